// Least squares, for a few unknowns.

/**
 * How much of each column makes up the values best. `ridge` keeps columns that tell nothing near 0.
 *
 * @param {readonly ArrayLike<number>[]} columns
 * @param {ArrayLike<number>} values
 * @param {number} [ridge]
 */
export function leastSquares(columns, values, ridge = 0) {
  const rows = columns.map((one, i) => [
    ...columns.map((other, j) => product(one, other) + (i === j ? ridge : 0)),
    product(one, values),
  ]);
  return solved(rows);
}

/**
 * @param {ArrayLike<number>} one
 * @param {ArrayLike<number>} other
 */
function product(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += one[i] * other[i];
  return sum;
}

/**
 * Equations, a row each with its right side at the end; by elimination, in place.
 *
 * @param {number[][]} rows
 */
function solved(rows) {
  for (let at = 0; at < rows.length; at++) {
    let best = at;
    for (let i = at + 1; i < rows.length; i++) if (Math.abs(rows[i][at]) > Math.abs(rows[best][at])) best = i;
    [rows[at], rows[best]] = [rows[best], rows[at]];
    for (let i = 0; i < rows.length; i++) {
      if (i === at) continue;
      const share = rows[i][at] / rows[at][at];
      for (let j = at; j <= rows.length; j++) rows[i][j] -= share * rows[at][j];
    }
  }
  return rows.map((row, at) => row[rows.length] / row[at]);
}
