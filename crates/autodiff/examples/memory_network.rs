//! An epoch of an end-to-end memory network (Sukhbaatar et al. 2015) on stories like those of bAbI
//! task 1: adjacent tying, temporal encoding, plain SGD.
//!
//! A sentence's place in the story is one more word of it, so that a table holds the embeddings of
//! words and then those of places.
//!
//! `cargo run --release -p autodiff --example memory_network -- --hops 3` prints one JSON line. The
//! unit is one training example.

mod measure;

use autodiff::{Buffer, DType, Device, Error, Graph, Program, Var};
use measure::{Arguments, centred, uniform};

const WORDS: usize = 40;
const WIDTH: usize = 50;
const MEMORIES: usize = 10;
/// Words of a sentence, its place among them.
const LENGTH: usize = 7;
const BATCH: usize = 32;
const EXAMPLES: usize = 1024;
const RATE: f64 = 0.1;

/// Sentences of six words and a place, questions of four words, and answers.
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
            for (at, [actor, verb, place]) in (WORDS as u32..).zip(&sentences) {
                stories.story.extend([*actor, *verb, 17, 18, *place, 33, at]);
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
            Buffer::from_slice(Device::cpu(), &all[at * len..(at + 1) * len]).expect("memory")
        };
        [part(&self.story), part(&self.question), part(&self.answer)]
    }
}

/// A step of training: the batch, then the tables of words and places.
fn step(hops: usize) -> Result<Program, Error> {
    let graph = Graph::new(DType::F32);
    let story = graph.index_input("story", &[BATCH, MEMORIES, LENGTH]);
    let question = graph.index_input("question", &[BATCH, 4]);
    let answer = graph.index_input("answer", &[BATCH]);
    let tables: Vec<Var<'_>> =
        (0..=hops).map(|_| graph.input("table", &[WORDS + MEMORIES, WIDTH])).collect();
    let bags = tables
        .iter()
        .map(|table| table.embedding_bag(story, None))
        .collect::<Result<Vec<_>, _>>()?;
    let mut state = tables[0].embedding_bag(question, None)?;
    for hop in 0..hops {
        let column = state.reshape(&[BATCH, WIDTH, 1])?;
        let scores = bags[hop].matmul(column)?.reshape(&[BATCH, 1, MEMORIES])?;
        let read = scores.softmax(2)?.matmul(bags[hop + 1])?;
        state = state.add(read.reshape(&[BATCH, WIDTH])?)?;
    }
    let words = tables[hops].slice(0, 0..WORDS)?;
    let logits = state.matmul(words.transpose(0, 1)?)?;
    let loss = logits.cross_entropy(answer)?.mean_all();
    for (w, g) in tables.iter().zip(graph.grad(loss, &tables)?) {
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
    let part = |seed: usize, rows: usize| centred(seed as u64, rows * WIDTH, scale);
    let table = |hop: usize| -> Result<Buffer, Error> {
        let parts = [part(10 + hop, WORDS), part(20 + hop, MEMORIES)];
        let [words, places] = [parts[0].to_vec::<f32>()?, parts[1].to_vec::<f32>()?];
        Buffer::from_slice(Device::cpu(), &[words, places].concat())
    };
    let mut weights = (0..=hops).map(table).collect::<Result<Vec<_>, _>>()?;
    let stories = Stories::new();
    let mut batches: Vec<[Buffer; 3]> = (0..EXAMPLES / BATCH).map(|at| stories.batch(at)).collect();
    let mut epoch = || {
        let mut sum = 0.0;
        for batch in &mut batches {
            let mut inputs: Vec<&mut Buffer> = batch.iter_mut().chain(&mut weights).collect();
            program.run(&mut inputs).expect("sound inputs");
            sum += program.output(0).to_vec::<f32>().expect("a loss")[0];
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
