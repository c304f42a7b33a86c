use autodiff::{Buffer, DType, Device, Error, Graph, Program};
use datasets::movieqa::{Entity, Question};
use learn::Layout;

use super::language::Language;
use crate::model::{ABSENT, MemoryNetwork, Shape, write_words};
use crate::text::index;

/// Questions a chunk.
const CHUNK: usize = 200;

/// Answers questions with given parameters: the best of all entities but the one asked about,
/// `argmax_a u . y_a`.
pub(crate) struct Judge {
    program: Program,
    shape: Shape,
}

impl Judge {
    pub(crate) fn new(layout: &Layout, language: &Language, shape: Shape) -> Result<Self, Error> {
        let graph = Graph::new(DType::F32);
        let flat = graph.input("params", &[layout.len()]);
        let story = shape.declare(&graph, CHUNK);
        let embedding = layout.views(flat)?[0];
        let network = MemoryNetwork::new(embedding, shape.hops);
        let answers = embedding.slice(0, language.first_entity()..language.len())?;
        let scores = network.state(&story)?.matmul(answers.transpose(0, 1)?)?;
        Ok(Self { program: graph.compile(&[scores])?, shape })
    }

    /// The answer to each question.
    pub(crate) fn answer(
        &mut self,
        params: &mut Buffer,
        language: &Language,
        questions: &[Question],
    ) -> Result<Vec<Entity>, Error> {
        let Shape { memories, memory_words, question_words, .. } = self.shape;
        let mut answers = Vec::with_capacity(questions.len());
        for chunk in questions.chunks(CHUNK) {
            let mut facts = vec![0; CHUNK * memories * memory_words];
            let mut mask = vec![ABSENT; CHUNK * memories];
            let mut words = vec![0; CHUNK * question_words];
            let rows = facts
                .chunks_mut(memories * memory_words)
                .zip(mask.chunks_mut(memories))
                .zip(words.chunks_mut(question_words));
            for (question, ((facts, mask), words)) in chunk.iter().zip(rows) {
                language.write_memories(question.topic, facts);
                language.write_mask(question.topic, mask);
                write_words(&language.question(question), words);
            }
            let device = Device::cpu();
            let mut facts = Buffer::from_slice(device, &facts);
            let mut mask = Buffer::from_slice(device, &mask);
            let mut words = Buffer::from_slice(device, &words);
            self.program.run(&mut [params, &mut facts, &mut mask, &mut words])?;
            let scores = self.program.output(0).to_vec::<f32>()?;
            let rows = scores.chunks(language.entities()).zip(chunk);
            answers.extend(rows.map(|(scores, question)| best(scores, question.topic)));
        }
        Ok(answers)
    }
}

/// The entity with the highest score, the first among equals, that is not `topic`.
fn best(scores: &[f32], topic: Entity) -> Entity {
    let topic = topic.0 as usize;
    let mut best = usize::from(topic == 0);
    for (at, score) in scores.iter().enumerate() {
        if *score > scores[best] && at != topic {
            best = at;
        }
    }
    Entity(index(best.min(scores.len() - 1)))
}
