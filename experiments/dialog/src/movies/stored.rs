use std::path::Path;

use autodiff::Buffer;
use datasets::Store;
use datasets::movieqa::{self, KnowledgeBase, Question};
use experiment::{DataPaths, Error};

use super::judge::Judge;
use super::language::Language;
use crate::model::Shape;
use crate::stored::{Description, Talker, not_understood};

/// A stored model that answers questions about movies from the knowledge base.
pub(crate) struct StoredMovies {
    knowledge: KnowledgeBase,
    language: Language,
    judge: Judge,
    weights: Buffer,
}

impl StoredMovies {
    /// Opens the artifacts of a run, and the knowledge base.
    pub(crate) fn open(
        description: &Description,
        folder: &Path,
        paths: &DataPaths,
    ) -> Result<Self, Error> {
        let store = Store::new(&paths.cache, paths.mirror.as_deref(), paths.offline);
        let knowledge =
            movieqa::knowledge_base(&store).map_err(|e| Error::data(movieqa::DATASET, e))?;
        Self::with(knowledge, description, folder)
    }

    /// Opens the artifacts of a run that learned from `knowledge`.
    pub(super) fn with(
        knowledge: KnowledgeBase,
        description: &Description,
        folder: &Path,
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
        let weights = Description::weights(&layout, folder)?;
        let judge = Judge::new(&layout, &language, params)
            .map_err(|e| Error::other("tracing the memory network", e))?;
        Ok(Self { knowledge, language, judge, weights })
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

    fn ask(&mut self, question: &str) -> Result<String, Error> {
        let Some((phrasing, topic)) = Question::detect(question, &self.knowledge) else {
            let message = "wanted a question that names a movie, a person or a topic of the \
                           knowledge base, capitals and all";
            return Err(not_understood(format!("{message}, found {question:?}")));
        };
        let asked = Question { phrasing, topic, answers: Vec::new() };
        let answers = self
            .judge
            .answer(&mut self.weights, &self.language, &[asked])
            .map_err(|e| Error::other("answering", e))?;
        Ok(self.knowledge.name(answers[0]).to_owned())
    }
}
