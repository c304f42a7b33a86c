//! A stored MovieQA model that answers questions.

use autodiff::Buffer;
use datasets::Store;
use datasets::movieqa::{self, Entity, KnowledgeBase, Question, possible_replies};
use experiment::{DataPaths, Error};
use learn::{Artifacts, Layout, kept_weights, placed};

use super::language::Language;
use crate::answer::Answer;
use crate::model::Shape;
use crate::params::{Params, Ranked};
use crate::stored::{Description, Talker, not_understood};
use crate::text::index;
use crate::thought::Asked;

/// A stored model that answers questions about movies from the knowledge base.
pub(crate) struct StoredMovies {
    knowledge: KnowledgeBase,
    language: Language,
    params: Params,
    layout: Layout,
    weights: Buffer,
}

impl StoredMovies {
    /// Opens the artifacts of a run, and the knowledge base.
    pub(crate) fn open(
        description: &Description,
        kept: Artifacts<'_>,
        paths: &DataPaths,
    ) -> Result<Self, Error> {
        let store = Store::new(&paths.cache, paths.mirror.as_deref(), paths.offline);
        let knowledge =
            movieqa::knowledge_base(&store).map_err(|e| Error::data(movieqa::DATASET, e))?;
        Self::with(knowledge, description, kept)
    }

    /// Opens the artifacts of a run that learned from `knowledge`.
    pub(super) fn with(
        knowledge: KnowledgeBase,
        description: &Description,
        kept: Artifacts<'_>,
    ) -> Result<Self, Error> {
        let params = &description.params;
        let language = Language::new(&knowledge, &params.movieqa);
        if language.words() != description.vocabulary {
            let (wanted, found) = (language.words().len(), description.vocabulary.len());
            return Err(Error::Checkpoint(format!(
                "the model's vocabulary: wanted the {wanted} words of this version, found {found} \
                 others"
            )));
        }
        let layout = Shape::layout(language.len(), params);
        let weights = placed(&kept_weights(&layout, kept)?)?;
        Ok(Self { knowledge, language, params: params.clone(), layout, weights })
    }

    /// What may answer a question about `topic`, as the test ranks them.
    fn candidates(&self, topic: Entity) -> Vec<Entity> {
        let mut candidates: Vec<Entity> = match self.params.movieqa.ranked {
            Ranked::All => (0..index(self.language.entities())).map(Entity).collect(),
            Ranked::Retrieved => self.language.retrieved(topic),
        };
        candidates.retain(|&entity| entity != topic);
        if candidates.is_empty() { vec![topic] } else { candidates }
    }
}

impl Talker for StoredMovies {
    fn tell(&mut self, line: &str) -> Result<(), Error> {
        Err(not_understood(format!(
            "the model knows movies from its knowledge base: wanted a question ending in ?, \
             found {line:?}"
        )))
    }

    fn forget(&mut self) {}

    fn ask(&mut self, question: &str) -> Result<Answer, Error> {
        let Some((phrasing, topic)) = Question::detect(question, &self.knowledge) else {
            let message = "wanted a question that names a movie, a person or a topic of the \
                           knowledge base, capitals and all";
            return Err(not_understood(format!("{message}, found {question:?}")));
        };
        let candidates = self.candidates(topic);
        let Self { knowledge, language, params, layout, weights } = self;
        let facts = language.facts(topic);
        let replies = possible_replies(params.regime(), facts, &language.retrieved(topic));
        let asked = Asked {
            memories: language.memories(topic).map(<[u32]>::to_vec).collect(),
            question: language.question(&Question { phrasing, topic, answers: Vec::new() }),
            answers: candidates.iter().map(|&entity| vec![language.entity(entity)]).collect(),
            replies: replies.iter().map(|&reply| language.says(reply, knowledge)).collect(),
        };
        let thought =
            asked.think(params, layout, weights).map_err(|e| Error::other("answering", e))?;
        let facts = facts.iter().map(|&fact| knowledge.fact_text(fact)).collect();
        let answer = |at: usize| knowledge.name(candidates[at]).to_owned();
        Ok(Answer::new(&thought, answer, facts, |at| replies[at].text(knowledge)))
    }
}
