//! Answers MovieQA questions with a trained model by ranking entities.

use autodiff::{Buffer, DType, Error, Graph, Program};
use datasets::movieqa::{Entity, Question};
use learn::Layout;

use super::language::Language;
use super::task::shape;
use crate::model::{ABSENT, MemoryNetwork, Shape, write_words};
use crate::params::{Params, Ranked};
use crate::text::index;

/// Questions a chunk.
const CHUNK: usize = 200;

/// Answers questions with given parameters: the best of the ranked entities but the one asked about,
/// `argmax_a u . y_a`.
pub(crate) struct Judge {
    program: Program,
    shape: Shape,
    ranked: Ranked,
}

impl Judge {
    pub(crate) fn new(
        layout: &Layout,
        language: &Language,
        params: &Params,
    ) -> Result<Self, Error> {
        let shape = shape(params);
        let graph = Graph::new(DType::F32);
        let flat = graph.input("params", &[layout.len()]);
        let story = shape.declare(&graph, CHUNK);
        let embedding = layout.views(flat)?[0];
        let network = MemoryNetwork::new(embedding, shape.hops);
        let answers = embedding.slice(0, language.first_entity()..language.len())?;
        let scores = network.state(&story)?.matmul(answers.transpose(0, 1)?)?;
        let ranked = params.movieqa.ranked;
        Ok(Self { program: graph.compile(&[scores])?, shape, ranked })
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
            let device = self.program.device();
            let mut facts = Buffer::from_slice(device, &facts)?;
            let mut mask = Buffer::from_slice(device, &mask)?;
            let mut words = Buffer::from_slice(device, &words)?;
            self.program.run(&mut [params, &mut facts, &mut mask, &mut words])?;
            let scores = self.program.output(0).to_vec::<f32>()?;
            let rows = scores.chunks(language.entities()).zip(chunk);
            answers.extend(rows.map(|(scores, question)| match self.ranked {
                Ranked::All => best(scores, (0..scores.len()).map(entity), question.topic),
                Ranked::Retrieved => {
                    let retrieved = language.retrieved(question.topic).into_iter();
                    best(scores, retrieved, question.topic)
                }
            }));
        }
        Ok(answers)
    }
}

fn entity(at: usize) -> Entity {
    Entity(index(at))
}

/// The candidate with the highest score, the first among equals, that is not `topic`; `topic` itself
/// where there is no other.
fn best(scores: &[f32], candidates: impl Iterator<Item = Entity>, topic: Entity) -> Entity {
    let score = |entity: Entity| scores[entity.0 as usize];
    let mut others = candidates.filter(|&candidate| candidate != topic);
    let Some(first) = others.next() else { return topic };
    others.fold(first, |best, other| if score(other) > score(best) { other } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_candidate_is_never_what_was_asked_about() {
        let scores = [5.0, 1.0, 3.0, 3.0];
        let chosen = |candidates: &[u32], topic| {
            best(&scores, candidates.iter().map(|&c| Entity(c)), Entity(topic)).0
        };
        assert_eq!(chosen(&[0, 1, 2, 3], 0), 2);
        assert_eq!(chosen(&[0, 1, 2, 3], 1), 0);
        assert_eq!(chosen(&[1], 0), 1);
        assert_eq!(chosen(&[], 3), 3);
    }
}
