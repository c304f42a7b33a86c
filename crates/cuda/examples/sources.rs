//! Writes the sources of all kernels into a folder, as NVRTC gets them: those that are always the same,
//! and generated ones of every function, type and way to read.
//!
//! `cargo run --release -p cuda --example sources -- FOLDER`

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use autodiff::backend::{Fused, Step, Target};
use autodiff::{DType, Graph, Var};
use cuda::chain::Chain;
use cuda::source;

/// Plans with fused steps, as for the device itself.
struct Fusing;

impl Target for Fusing {
    fn fused(&self) -> usize {
        40
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from).ok_or("wanted: sources FOLDER")?;
    let write = |name: &str, source: String| {
        fs::write(folder.join(name), [source::DEVICE, &source].concat())
    };
    write("fixed.cu", source::fixed())?;
    let mut kernels = Vec::new();
    for dtype in [DType::F32, DType::F64] {
        for fused in fused(dtype)? {
            for guarded in [false, true] {
                kernels.push((fused.dtype, Chain::new(&fused, guarded)?));
            }
        }
    }
    kernels.sort_by(|(of, one), (other_of, other)| {
        (source::suffix(*of), &one.name).cmp(&(source::suffix(*other_of), &other.name))
    });
    kernels.dedup_by(|(of, one), (other_of, other)| of == other_of && one.name == other.name);
    let texts: Vec<(DType, &str)> =
        kernels.iter().map(|(dtype, chain)| (*dtype, &*chain.text)).collect();
    Ok(write("generated.cu", source::generated(&texts))?)
}

/// Fused steps of all functions, over operands of every kind.
fn fused(dtype: DType) -> Result<Vec<Fused>, autodiff::Error> {
    let graph = Graph::new(dtype);
    let (x, y) = (graph.input("x", &[3, 4, 5]), graph.input("y", &[4, 1]));
    let turned = graph.input("z", &[5, 4, 3]).transpose(0, 2)?;
    let indices = graph.index_input("i", &[4, 3]).transpose(0, 1)?;
    let one = [Var::neg, Var::exp, Var::log, Var::sqrt, Var::tanh, Var::sigmoid, Var::relu];
    let mut outputs: Vec<Var<'_>> = one.iter().map(|function| function(x)).collect();
    outputs.extend([x.step(), x.square(), x.add_scalar(0.5), x.mul_scalar(3.0)]);
    outputs.extend([2.0, 3.0, -1.0, -2.0, 0.5, -0.5, 1.7].map(|exponent| x.powf(exponent)));
    for (left, right) in [(x, y), (turned, x), (y, turned)] {
        outputs.extend([left.add(right)?, left.sub(right)?, left.mul(right)?, left.div(right)?]);
        outputs.extend([left.maximum(right)?, left.pow(right)?]);
        outputs.extend([left.greater(right)?, left.equal(right)?]);
    }
    outputs.extend([turned, indices]);
    let mut found = Vec::new();
    // Each by itself, then as many together as a step takes.
    for outputs in outputs.chunks(1).chain([&outputs[..]]) {
        let steps = graph.plan(outputs, &Fusing)?.steps;
        found.extend(steps.into_iter().filter_map(|step| match step {
            Step::Fused(fused) => Some(fused),
            _ => None,
        }));
    }
    Ok(found)
}
