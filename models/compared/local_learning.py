"""Local learning: for each face that is asked about, a classifier of its own (Bottou and Vapnik 1992; Georgescu et al.
2019, "Local Learning with Deep and Handcrafted Features for Facial Expression Recognition").

The nearest faces that were learned from are found by the scalar product, a linear support vector machine, one against
all others, learns them alone, and answers for the one face. Faces are rows of length 1 here, so the nearest are those
of the least angle, and what several kinds of features say is added up.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from tqdm import tqdm

COST = 1.0
"""C of the machines."""
_CHUNK = 128

Rows: TypeAlias = "sparse.csr_matrix"
"""(N, D), a face a row."""


def unit_rows(features: NDArray[np.float32]) -> Rows:
    """Features (N, D) as rows of length 1; those of length 0 stay."""
    return sparse.csr_matrix(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12))


def together(kinds: Sequence[Rows]) -> Rows:
    """Several kinds of features of the same faces, side by side, of length 1 again; each counts alike."""
    return sparse.hstack(kinds, "csr") / np.sqrt(len(kinds))


def global_answers(learned: Rows, labels: NDArray[np.int64], asked: Rows) -> NDArray[np.int64]:
    """What one linear machine of all faces with ``labels`` (N,) says of others, (M,)."""
    from sklearn.svm import LinearSVC

    machine = LinearSVC(C=COST, dual=True, max_iter=2000, random_state=0).fit(learned, labels)
    answers: NDArray[np.int64] = machine.predict(asked)
    return answers


def local_answers(learned: Rows, labels: NDArray[np.int64], asked: Rows, neighbours: int) -> NDArray[np.int64]:
    """What each face's own machine, of its ``neighbours`` nearest (or all), says of it, (M,)."""
    answers = np.empty(asked.shape[0], np.int64)
    near = min(neighbours, learned.shape[0])
    turned = learned.T.tocsc()
    with tqdm(total=len(answers), desc="local learning", unit="face", disable=None) as bar:
        for start in range(0, len(answers), _CHUNK):
            alike = (asked[start : start + _CHUNK] @ turned).toarray()
            for i, row in enumerate(alike, start):
                nearest = np.argpartition(-row, near - 1)[:near]
                few = learned[nearest]
                answers[i] = _answer((few @ few.T).toarray(), row[nearest], labels[nearest])
                bar.update()
    return answers


def _answer(products: NDArray[Any], asked: NDArray[Any], labels: NDArray[np.int64]) -> int:
    """What a machine says of one face, given the scalar products of the others (K, K), and with it (K,)."""
    from sklearn.svm import SVC

    there = np.unique(labels)
    if len(there) == 1:
        return int(there[0])
    margins = [
        SVC(C=COST, kernel="precomputed").fit(products, labels == label).decision_function(asked[None])[0]
        for label in there
    ]
    return int(there[int(np.argmax(margins))])
