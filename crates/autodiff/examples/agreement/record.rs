//! Runs cases and writes what went in and came out.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use autodiff::{Buffer, DType, Graph, Program, Var};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::case::Case;
use crate::draw::Draw;

pub(crate) struct Recorder {
    seed: u64,
    cases: BufWriter<File>,
    arrays: BufWriter<File>,
    /// Bytes of arrays written.
    written: usize,
}

/// The inputs of a graph, as variables and as buffers.
struct Inputs<'g> {
    graph: &'g Graph,
    rng: ChaCha8Rng,
    buffers: Vec<Buffer>,
    written: Vec<Value>,
}

impl<'g> Inputs<'g> {
    fn draw(
        &mut self,
        recorder: &mut Recorder,
        name: &str,
        shape: &[usize],
        draw: Draw,
    ) -> Result<Var<'g>, Box<dyn Error>> {
        let buffer = draw.buffer(shape, self.graph.dtype(), &mut self.rng);
        self.written.push(recorder.array(name, shape, &buffer)?);
        self.buffers.push(buffer);
        Ok(if draw.is_index() {
            self.graph.index_input(name, shape)
        } else {
            self.graph.input(name, shape)
        })
    }

    fn run(&mut self, program: &mut Program) -> Result<(), autodiff::Error> {
        program.run(&mut self.buffers.iter_mut().collect::<Vec<_>>())
    }
}

impl Recorder {
    pub(crate) fn create(folder: &Path, seed: u64) -> Result<Recorder, Box<dyn Error>> {
        let file = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
        Ok(Recorder { seed, cases: file("cases.jsonl")?, arrays: file("arrays.bin")?, written: 0 })
    }

    pub(crate) fn finish(mut self) -> Result<(), Box<dyn Error>> {
        self.cases.flush()?;
        Ok(self.arrays.flush()?)
    }

    /// The inputs of a case depend on the seed and its number, not on the float type.
    pub(crate) fn record(
        &mut self,
        case: &Case,
        number: u64,
        dtype: DType,
    ) -> Result<(), Box<dyn Error>> {
        let graph = Graph::new(dtype);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number);
        let (buffers, written) = (Vec::new(), Vec::new());
        let mut inputs = Inputs { graph: &graph, rng, buffers, written };
        let (mut vars, mut wrt, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for input in &case.inputs {
            let var = inputs.draw(self, input.name, &input.shape, input.draw)?;
            vars.push(var);
            if !input.fixed {
                wrt.push(var);
                names.push(input.name);
            }
        }
        let outputs = (case.trace)(&graph, &vars)?;
        let (sum, bent) = self.losses(&mut inputs, &outputs)?;
        let mut directions = Vec::new();
        for (name, var) in names.iter().zip(&wrt) {
            let name = format!("direction of {name}");
            // Of one sign: what a sum does to a direction does not cancel either.
            directions.push(inputs.draw(self, &name, &var.shape(), Draw::Positive)?);
        }
        let gradients = graph.grad(sum, &wrt)?;
        let second = graph.hvp(bent, &wrt, &directions)?;
        let all = [&outputs[..], &gradients, &second].concat();
        let label =
            |i: usize| if outputs.len() == 1 { "value".into() } else { format!("value {i}") };
        let labels: Vec<String> = (0..outputs.len()).map(label).collect();
        let line = json!({
            "reference": case.reference,
            "detail": case.detail,
            "parameters": case.parameters,
            "dtype": name(dtype),
            "wrt": names,
            "operations": graph.operations(&all)?,
            "forward": graph.operations(&outputs)?,
            "outputs": self.results(&mut inputs, &labels, &outputs)?,
            "gradients": self.results(&mut inputs, &names, &gradients)?,
            "second": self.results(&mut inputs, &names, &second)?,
            "inputs": inputs.written,
        });
        serde_json::to_writer(&mut self.cases, &line)?;
        Ok(writeln!(self.cases)?)
    }

    /// A random weighted sum of the outputs, and one of `y + y^2 / 2`: squares alone would undo a
    /// square root, and a sum has no second derivative where the operation is linear.
    fn losses<'g>(
        &mut self,
        inputs: &mut Inputs<'g>,
        outputs: &[Var<'g>],
    ) -> Result<(Var<'g>, Var<'g>), Box<dyn Error>> {
        let (mut sum, mut squares) = (inputs.graph.scalar(0.0), inputs.graph.scalar(0.0));
        let floats = outputs.iter().filter(|output| output.dtype() != DType::U32);
        for (i, output) in floats.enumerate() {
            let (name, shape) = (format!("weight {i}"), output.shape());
            let weight = inputs.draw(self, &name, &shape, Draw::Normal(1.0))?;
            sum = sum.add(output.mul(weight)?.sum_all())?;
            squares = squares.add(output.square().mul(weight)?.sum_all())?;
        }
        Ok((sum, sum.add(squares.mul_scalar(0.5))?))
    }

    /// Runs a program of its own for variables, and writes them.
    fn results(
        &mut self,
        inputs: &mut Inputs<'_>,
        names: &[impl AsRef<str>],
        vars: &[Var<'_>],
    ) -> Result<Vec<Value>, Box<dyn Error>> {
        let mut program = inputs.graph.compile(vars)?;
        inputs.run(&mut program)?;
        let each = names.iter().zip(vars).enumerate();
        each.map(|(i, (name, var))| self.array(name.as_ref(), &var.shape(), program.output(i)))
            .collect()
    }

    /// Appends an array and says where it is.
    fn array(
        &mut self,
        called: &str,
        shape: &[usize],
        buffer: &Buffer,
    ) -> Result<Value, Box<dyn Error>> {
        let bytes: Vec<u8> = match buffer.dtype() {
            DType::F32 => buffer.to_vec::<f32>()?.iter().flat_map(|x| x.to_le_bytes()).collect(),
            DType::F64 => buffer.to_vec::<f64>()?.iter().flat_map(|x| x.to_le_bytes()).collect(),
            DType::U32 => buffer.to_vec::<u32>()?.iter().flat_map(|x| x.to_le_bytes()).collect(),
        };
        let offset = self.written;
        self.arrays.write_all(&bytes)?;
        self.written += bytes.len();
        let dtype = name(buffer.dtype());
        Ok(json!({ "name": called, "shape": shape, "dtype": dtype, "offset": offset }))
    }
}

fn name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "f32",
        DType::F64 => "f64",
        DType::U32 => "u32",
    }
}
