//! An epoch of an end-to-end memory network (Sukhbaatar et al. 2015) on stories like those of bAbI
//! task 1: adjacent tying, temporal encoding, plain SGD.
//!
//! `cargo run --release -p autodiff --example memory_network -- --hops 3` prints one JSON line. The
//! unit is one training example.

mod measure;

use autodiff::{Buffer, DType, Device, Error, Graph, Program, Var};
use measure::{Arguments, centred, uniform};

const WORDS: usize = 40;
const WIDTH: usize = 50;
const MEMORIES: usize = 10;
const BATCH: usize = 32;
const EXAMPLES: usize = 1024;
const RATE: f64 = 0.1;

/// Sentences of six words, questions of four, and answers.
struct Stories {
    story: Vec<u32>,
    question: Vec<u32>,
    answer: Vec<u32>,
}

impl Stories {
    fn new() -> Self {
        let draws: Vec<f64> = uniform(1, EXAMPLES * MEMORIES * 3).collect();
        let pick = |draw: f64, first: u32, count: f64| first + (count * draw) as u32;
        let asked: Vec<usize> =
            uniform(2, EXAMPLES).map(|x| (MEMORIES as f64 * x) as usize).collect();
        let mut stories = Self { story: Vec::new(), question: Vec::new(), answer: Vec::new() };
        for (draws, asked) in draws.chunks(MEMORIES * 3).zip(asked) {
            let sentences: Vec<[u32; 3]> = draws
                .chunks(3)
                .map(|r| [pick(r[0], 1, 8.0), pick(r[1], 9, 8.0), pick(r[2], 19, 14.0)])
                .collect();
            for [actor, verb, place] in &sentences {
                stories.story.extend([*actor, *verb, 17, 18, *place, 33]);
            }
            let actor = sentences[asked][0];
            stories.question.extend([34, 35, actor, 36]);
            let last = sentences.iter().rev().find(|sentence| sentence[0] == actor);
            stories.answer.push(last.expect("the actor asked for is in the story")[2]);
        }
        stories
    }

    /// Batch `at`, in the order of the program's inputs.
    fn batch(&self, at: usize) -> [Buffer; 3] {
        let part = |all: &[u32]| {
            let len = all.len() / EXAMPLES * BATCH;
            Buffer::from_slice(Device::cpu(), &all[at * len..(at + 1) * len])
        };
        [part(&self.story), part(&self.question), part(&self.answer)]
    }
}

/// A step of training: the batch, then embeddings and times.
fn step(hops: usize) -> Result<Program, Error> {
    let graph = Graph::new(DType::F32);
    let story = graph.index_input("story", &[BATCH, MEMORIES, 6]);
    let question = graph.index_input("question", &[BATCH, 4]);
    let answer = graph.index_input("answer", &[BATCH]);
    let declare = |name: &str, shape: [usize; 2]| -> Vec<Var<'_>> {
        (0..=hops).map(|_| graph.input(name, &shape)).collect()
    };
    let (words, times) = (declare("E", [WORDS, WIDTH]), declare("T", [MEMORIES, WIDTH]));
    let bags = words
        .iter()
        .zip(&times)
        .map(|(words, &times)| words.embedding_bag(story, None)?.add(times))
        .collect::<Result<Vec<_>, _>>()?;
    let mut state = words[0].embedding_bag(question, None)?;
    for hop in 0..hops {
        let column = state.reshape(&[BATCH, WIDTH, 1])?;
        let scores = bags[hop].matmul(column)?.reshape(&[BATCH, 1, MEMORIES])?;
        let read = scores.softmax(2)?.matmul(bags[hop + 1])?;
        state = state.add(read.reshape(&[BATCH, WIDTH])?)?;
    }
    let logits = state.matmul(words[hops].transpose(0, 1)?)?;
    let loss = logits.cross_entropy(answer)?.mean_all();
    let parameters = [words, times].concat();
    for (w, g) in parameters.iter().zip(graph.grad(loss, &parameters)?) {
        graph.assign(*w, w.sub(g.mul_scalar(RATE))?)?;
    }
    graph.compile(&[loss])
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::read();
    let hops = arguments.number("hops", 3);
    let mut program = step(hops)?;
    let scale = 0.1 * 3f64.sqrt();
    let tables = |first: usize, rows: usize| -> Vec<Buffer> {
        (first..=first + hops).map(|seed| centred(seed as u64, rows * WIDTH, scale)).collect()
    };
    let mut weights = [tables(10, WORDS), tables(20, MEMORIES)].concat();
    let stories = Stories::new();
    let mut batches: Vec<[Buffer; 3]> = (0..EXAMPLES / BATCH).map(|at| stories.batch(at)).collect();
    let mut epoch = || {
        let mut sum = 0.0;
        for batch in &mut batches {
            let mut inputs: Vec<&mut Buffer> = batch.iter_mut().chain(&mut weights).collect();
            program.run(&mut inputs).expect("sound inputs");
            sum += program.output(0).as_slice::<f32>().expect("a loss")[0];
        }
        sum / batches.len() as f32
    };
    let first = [epoch(), epoch(), epoch()];
    let mut line = arguments.timed(EXAMPLES as f64, || {
        epoch();
    });
    line["workload"] = "memn2n".into();
    line["unit"] = "example".into();
    line["params"] = serde_json::json!({ "hops": hops });
    line["check"] = serde_json::json!({ "mean loss of epochs 1-3": first });
    println!("{line}");
    Ok(())
}
