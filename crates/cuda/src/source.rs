//! The source of kernels: those that are always the same, and what generated ones stand among.

use std::fmt::Write as _;

use autodiff::DType;

/// What kernels are written in, on a device of NVIDIA's: drivers put it before every source.
pub const DEVICE: &str = include_str!("../kernels/device.h");

const COMMON: &str = include_str!("../kernels/common.h");
const FLOATS: &str = include_str!("../kernels/floats.h");
const SORT: &str = include_str!("../kernels/sort.cu");

/// Kernels that are there for each type of floats.
const OF_FLOATS: &[&str] = &[
    include_str!("../kernels/shapes.cu"),
    include_str!("../kernels/reductions.cu"),
    include_str!("../kernels/rows.cu"),
    include_str!("../kernels/tables.cu"),
    include_str!("../kernels/matrices.cu"),
    include_str!("../kernels/convolutions.cu"),
    include_str!("../kernels/images.cu"),
];

/// Every kernel that is not generated, without [`DEVICE`].
#[must_use]
pub fn fixed() -> String {
    let mut source = [COMMON, SORT].concat();
    for dtype in [DType::F32, DType::F64] {
        section(&mut source, dtype, OF_FLOATS.iter().copied());
    }
    source
}

/// Generated kernels, each with its element type, without [`DEVICE`].
#[must_use]
pub fn generated<'a>(kernels: &[(DType, &'a str)]) -> String {
    let mut source = COMMON.to_owned();
    for dtype in [DType::F32, DType::F64, DType::U32] {
        let own: Vec<&'a str> =
            kernels.iter().filter(|(of, _)| *of == dtype).map(|(_, text)| *text).collect();
        if !own.is_empty() {
            section(&mut source, dtype, own);
        }
    }
    source
}

/// What the name of a kernel for an element type ends in.
#[must_use]
pub fn suffix(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "f32",
        DType::F64 => "f64",
        DType::U32 => "u32",
    }
}

/// Text in which `REAL` is an element type, `WORD` has its size, and `NAME` makes names of it.
fn section<'a>(source: &mut String, dtype: DType, parts: impl IntoIterator<Item = &'a str>) {
    let (name, real, word) = match dtype {
        DType::F32 => ("f32", "float", "word"),
        DType::F64 => ("f64", "double", "size"),
        DType::U32 => ("u32", "word", "word"),
    };
    // Writing to a string does not fail.
    let _ = writeln!(source, "namespace {name} {{");
    let _ = writeln!(source, "#define REAL {real}\n#define WORD {word}");
    let _ = writeln!(source, "#define NAME(name) name##_{name}");
    if dtype != DType::U32 {
        source.push_str(FLOATS);
    }
    parts.into_iter().for_each(|part| source.push_str(part));
    source.push_str("#undef REAL\n#undef WORD\n#undef NAME\n}\n");
}
