"""Compiles every source in a folder by NVRTC for each architecture, without a device."""

import ctypes
import pathlib
import sys

ARCHITECTURES = ["75", "80", "90", "100"]
# What programs are compiled with, see crates/cuda/src/nvidia/compile.rs.
OPTIONS = ["--std=c++17", "--fmad=false"]


def library():
    import nvidia.cuda_nvrtc

    folder = pathlib.Path(list(nvidia.cuda_nvrtc.__path__)[0]) / "lib"
    found = sorted(folder.glob("libnvrtc.so*"))
    if not found:
        sys.exit(f"{folder}: wanted libnvrtc.so, found none")
    return ctypes.CDLL(str(found[0]))


def text(nvrtc, program, what):
    size = ctypes.c_size_t()
    getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    getattr(nvrtc, f"nvrtcGet{what}")(program, buffer)
    return buffer.value.decode(errors="replace")


def compiled(nvrtc, path, architecture):
    """The PTX of a source, or an exit that shows what the compiler said."""
    program = ctypes.c_void_p()
    source, name = path.read_bytes(), path.name.encode()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, name, 0, None, None)
    options = [option.encode() for option in [*OPTIONS, f"--gpu-architecture=compute_{architecture}"]]
    array = (ctypes.c_char_p * len(options))(*options)
    code = nvrtc.nvrtcCompileProgram(program, len(options), array)
    if code != 0:
        sys.exit(f"{path.name}, compute_{architecture}: {text(nvrtc, program, 'ProgramLog')}")
    ptx = text(nvrtc, program, "PTX")
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return ptx


def main():
    nvrtc = library()
    major, minor = ctypes.c_int(), ctypes.c_int()
    nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    sources = sorted(pathlib.Path(sys.argv[1]).glob("*.cu"))
    if not sources:
        sys.exit(f"{sys.argv[1]}: wanted sources, found none")
    for architecture in ARCHITECTURES:
        counts = []
        for path in sources:
            ptx = compiled(nvrtc, path, architecture)
            counts.append(f"{path.name} {ptx.count('.entry ')} kernels")
        print(f"NVRTC {major.value}.{minor.value}, compute_{architecture}: {', '.join(counts)}")


main()
