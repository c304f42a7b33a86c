//! Evaluates a model on bAbI questions: answers, accuracy and probability of the right answer.

use autodiff::{Buffer, DType, Error, Graph, Program};
use datasets::babi_dialog::PLACES;
use learn::Layout;

use crate::examples::Example;
use crate::model::{MemoryNetwork, Shape, write_words};
use crate::text::Vocabulary;

/// Questions a chunk of a test set.
const CHUNK: usize = 100;

/// Answers questions with given parameters: `argmax_a u . y_a`.
pub(crate) struct Judge {
    program: Program,
    shape: Shape,
}

/// Questions laid out for a [`Judge`], with the right answers.
pub(crate) struct Questions {
    chunks: Vec<[Buffer; 3]>,
    answers: Vec<u32>,
}

impl Judge {
    pub(crate) fn new(
        layout: &Layout,
        vocabulary: &Vocabulary,
        shape: Shape,
    ) -> Result<Self, Error> {
        let graph = Graph::new(DType::F32);
        let flat = graph.input("params", &[layout.len()]);
        let story = shape.declare(&graph, CHUNK);
        let network = MemoryNetwork::new(layout.views(flat)?[0], shape.hops);
        let answers = network.answers(vocabulary, &PLACES)?;
        let scores = network.state(&story)?.matmul(answers.transpose(0, 1)?)?;
        Ok(Self { program: graph.compile(&[scores])?, shape })
    }

    /// Lays out questions; the last chunk is filled up with empty ones.
    pub(crate) fn questions(&self, examples: &[Example]) -> Result<Questions, Error> {
        let asked: Vec<&Example> = examples.iter().filter(|e| e.answer.is_some()).collect();
        let chunks =
            asked.chunks(CHUNK).map(|chunk| self.chunk(chunk)).collect::<Result<_, _>>()?;
        Ok(Questions { chunks, answers: asked.iter().filter_map(|e| e.answer).collect() })
    }

    fn chunk(&self, examples: &[&Example]) -> Result<[Buffer; 3], Error> {
        let Shape { memories, memory_words, question_words, .. } = self.shape;
        let mut words = vec![0; CHUNK * memories * memory_words];
        let mut mask = vec![0.0; CHUNK * memories];
        let mut questions = vec![0; CHUNK * question_words];
        let rows = words
            .chunks_mut(memories * memory_words)
            .zip(mask.chunks_mut(memories))
            .zip(questions.chunks_mut(question_words));
        for (example, ((words, mask), question)) in examples.iter().zip(rows) {
            example.write_memories(memory_words, words);
            example.write_mask(mask);
            write_words(&example.question, question);
        }
        let device = self.program.device();
        Ok([
            Buffer::from_slice(device, &words)?,
            Buffer::from_slice(device, &mask)?,
            Buffer::from_slice(device, &questions)?,
        ])
    }

    /// The answer to each question, as indices into [`PLACES`].
    pub(crate) fn answer(
        &mut self,
        params: &mut Buffer,
        questions: &mut Questions,
    ) -> Result<Vec<u32>, Error> {
        Ok(self.scores(params, questions)?.chunks(PLACES.len()).map(argmax).collect())
    }

    /// Scores of the places, `[questions, places]`.
    fn scores(
        &mut self,
        params: &mut Buffer,
        questions: &mut Questions,
    ) -> Result<Vec<f32>, Error> {
        let mut scores = Vec::with_capacity(questions.chunks.len() * CHUNK * PLACES.len());
        for [memories, mask, question] in &mut questions.chunks {
            self.program.run(&mut [params, memories, mask, question])?;
            scores.extend(self.program.output(0).to_vec::<f32>()?);
        }
        scores.truncate(questions.answers.len() * PLACES.len());
        Ok(scores)
    }

    /// Percentage of right answers.
    #[expect(clippy::cast_precision_loss, reason = "a test set has fewer than 2^52 questions")]
    pub(crate) fn accuracy(
        &mut self,
        params: &mut Buffer,
        questions: &mut Questions,
    ) -> Result<f64, Error> {
        let answers = self.answer(params, questions)?;
        let right = answers.iter().zip(&questions.answers).filter(|(a, b)| a == b).count();
        Ok(100.0 * right as f64 / questions.answers.len() as f64)
    }

    /// Mean probability of the right answers, `softmax_a(u . y_a)`.
    #[expect(clippy::cast_precision_loss, reason = "a test set has fewer than 2^52 questions")]
    pub(crate) fn belief(
        &mut self,
        params: &mut Buffer,
        questions: &mut Questions,
    ) -> Result<f64, Error> {
        let scores = self.scores(params, questions)?;
        let probability = |(scores, right): (&[f32], &u32)| {
            let right = scores[*right as usize];
            1.0 / scores.iter().map(|score| f64::from(score - right).exp()).sum::<f64>()
        };
        let rows = scores.chunks(PLACES.len()).zip(&questions.answers);
        Ok(rows.map(probability).sum::<f64>() / questions.answers.len() as f64)
    }
}

impl Questions {
    /// The right answers.
    pub(crate) fn right(&self) -> &[u32] {
        &self.answers
    }
}

fn argmax(scores: &[f32]) -> u32 {
    let best = scores.iter().enumerate().fold(
        0,
        |best, (at, score)| {
            if *score > scores[best] { at } else { best }
        },
    );
    crate::text::index(best)
}
