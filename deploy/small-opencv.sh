#!/bin/sh
# OpenCV with what the agent uses of it, for the packaged program (docs/packaging.md): 19 MB in place of 150. No FFmpeg, so
# no video files but AVI of JPEG pictures; no OpenBLAS. It takes a C++ compiler, and ten minutes on two cores. OpenCV's
# source package and what builds it come from pip's index; nothing is fetched from elsewhere.
# Usage: deploy/small-opencv.sh FOLDER    (build/opencv is where `make package` looks for it)
set -eu
folder=$1
python=${PYTHON:-.venv/bin/python}
version=$("$python" -c 'from importlib.metadata import version; print(version("opencv-python-headless"))')

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m pip download --quiet --no-deps --no-binary opencv-python-headless --dest "$work" \
    "opencv-python-headless==$version"
tar -xf "$work"/opencv_python_headless-"$version".tar.gz -C "$work"
source=$work/opencv_python_headless-$version
# Its type stubs can't be made without the other modules.
sed -i 's/\[ r"python\/cv2\/py.typed" \] if sys.version_info >= (3, 6) else \[\]/[]/
    s/^\( *\)rearrange_cmake_output_data\["cv2.typing"\] = .*/\1pass/' "$source/setup.py"

off=''
for part in 1394 ADE AVIF EIGEN FFMPEG FLATBUFFERS GSTREAMER IMGCODEC_GIF IMGCODEC_HDR IMGCODEC_PFM IMGCODEC_PXM \
    IMGCODEC_SUNRASTER IPP ITT JASPER JPEGXL LAPACK OPENCL OPENEXR OPENJPEG PROTOBUF QUIRC TIFF VA WEBP
do off="$off -DWITH_$part=OFF"; done
export CMAKE_ARGS="-DBUILD_LIST=core,imgproc,imgcodecs,videoio,python3 $off -DBUILD_OPENEXR=OFF -DBUILD_ITT=OFF \
    -DBUILD_JPEG=ON -DBUILD_PNG=ON -DBUILD_ZLIB=ON -DCPU_DISPATCH=AVX2"
"$python" -m pip wheel --no-cache-dir --no-deps --wheel-dir "$work/wheel" "$source"
rm -rf "$folder"
"$python" -m pip install --quiet --no-deps --target "$folder" "$work"/wheel/*.whl
