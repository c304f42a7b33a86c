//! What single operations reach: a product of two square matrices, elementary functions.
//!
//! `cargo run --release -p autodiff --example machine -- --job gemm|exp|tanh|sigmoid --n 2048` prints
//! one JSON line. The unit is one call.

mod measure;

use autodiff::{Buffer, DType, Device, Error, Graph};
use measure::{Arguments, uniform};

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::read();
    let (job, n): (_, usize) = (arguments.text("job", "gemm"), arguments.number("n", 1024));
    let shape = if job == "gemm" { vec![n, n] } else { vec![n] };
    let graph = Graph::new(DType::F32);
    let (a, b) = (graph.input("a", &shape), graph.input("b", &shape));
    let y = match job {
        "gemm" => a.matmul(b)?,
        "exp" => a.exp(),
        "tanh" => a.tanh(),
        "sigmoid" => a.sigmoid(),
        other => panic!("--job: wanted gemm, exp, tanh or sigmoid, found {other:?}"),
    };
    let mut program = graph.compile(&[y])?;
    let len = shape.iter().product();
    let mut buffers: Vec<Buffer> = (1..=program.inputs().len() as u64)
        .map(|seed| {
            let values: Vec<f32> = uniform(seed, len).map(|x| (x - 0.5) as f32).collect();
            Buffer::from_slice(Device::cpu(), &values).expect("memory")
        })
        .collect();
    let mut line = arguments.timed(1.0, || {
        let mut inputs: Vec<&mut Buffer> = buffers.iter_mut().collect();
        program.run(&mut inputs).expect("sound inputs");
    });
    if job == "gemm" {
        let seconds = line["seconds"].as_f64().unwrap_or(f64::NAN);
        line["gflops"] = (2.0 * (n as f64).powi(3) / seconds / 1e9).into();
    }
    line["workload"] = format!("machine-{job}").into();
    line["unit"] = "call".into();
    line["params"] = serde_json::json!({ "n": n, "dtype": "float32" });
    let first = program.output(0).view(|values: &[f32]| values[0])?;
    line["check"] = serde_json::json!({ "c[0]": first });
    println!("{line}");
    Ok(())
}
