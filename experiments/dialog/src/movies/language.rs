//! The vocabulary of MovieQA, and the facts retrieved for each entity as word indices.

use datasets::babi_dialog::{NEGATIVE, POSITIVE, REQUEST};
use datasets::movieqa::{Entity, Fact, KnowledgeBase, Part, Question, Relation, Says, phrasings};

use super::evenly;
use crate::params::MovieQa;
use crate::text::{NULL, Vocabulary, index};

/// The words of MovieQA: the null word, ordinary words, then one word for each entity; and the facts
/// in them.
pub(crate) struct Language {
    words: Vocabulary,
    entities: usize,
    /// Word indices of every fact, `[facts, memory_words]`.
    facts: Vec<u32>,
    /// The facts retrieved for each entity, at most so many.
    retrieved: Vec<Vec<u32>>,
    memory_words: usize,
}

impl Language {
    /// The language of a knowledge base.
    pub(crate) fn new(knowledge: &KnowledgeBase, sizes: &MovieQa) -> Self {
        let teacher = ["No, the answer is", "No, it is a", "No, because", "A relevant fact is"];
        let kinds = [
            "movie", "director", "writer", "actor", "year", "language", "genre", "topic", "rating",
        ];
        let texts = phrasings()
            .iter()
            .map(|phrasing| phrasing.text)
            .chain(Relation::ALL.map(Relation::code))
            .chain(POSITIVE)
            .chain(NEGATIVE)
            .chain([REQUEST])
            .chain(teacher)
            .chain(kinds);
        let mut language = Self {
            words: Vocabulary::new(texts, 0),
            entities: knowledge.entities(),
            facts: Vec::new(),
            retrieved: Vec::new(),
            memory_words: sizes.memory_words,
        };
        let width = sizes.memory_words;
        language.facts = vec![NULL; knowledge.facts().len() * width];
        let mut encoded = std::mem::take(&mut language.facts);
        for (to, fact) in encoded.chunks_mut(width).zip(knowledge.facts()) {
            to.iter_mut().zip(language.fact(fact)).for_each(|(to, word)| *to = word);
        }
        language.facts = encoded;
        let entities = (0..knowledge.entities()).map(|entity| Entity(index(entity)));
        language.retrieved =
            entities.map(|entity| evenly(knowledge.about(entity), sizes.memories)).collect();
        language
    }

    /// The ordinary words.
    pub(crate) fn words(&self) -> &[String] {
        self.words.words()
    }

    /// Number of word indices.
    pub(crate) fn len(&self) -> usize {
        self.words.len() + self.entities
    }

    /// The index of the first entity.
    pub(crate) fn first_entity(&self) -> usize {
        self.words.len()
    }

    /// Number of entities.
    pub(crate) fn entities(&self) -> usize {
        self.entities
    }

    /// The word of an entity.
    pub(crate) fn entity(&self, entity: Entity) -> u32 {
        index(self.words.len()) + entity.0
    }

    /// Word indices of a text without entities; unknown words are left out.
    fn text(&self, text: &str) -> Vec<u32> {
        self.words.encode(text)
    }

    /// Word indices of a question.
    pub(crate) fn question(&self, question: &Question) -> Vec<u32> {
        let mut words = self.text(&question.phrasing.replacen('*', " ", 1));
        words.push(self.entity(question.topic));
        words
    }

    /// Word indices of what a teacher says.
    pub(crate) fn says(&self, says: Says, knowledge: &KnowledgeBase) -> Vec<u32> {
        let mut words = Vec::new();
        for part in says.parts(knowledge) {
            match part {
                Part::Words(text) => words.extend(self.text(text)),
                Part::Entity(entity) => words.push(self.entity(entity)),
            }
        }
        // The longest fact names dozens of topics.
        words.truncate(self.memory_words + LONGEST_OPENING);
        words
    }

    fn fact(&self, fact: &Fact) -> Vec<u32> {
        let mut words = vec![self.entity(fact.subject)];
        words.extend(self.text(fact.relation.code()));
        words.extend(fact.objects.iter().map(|&object| self.entity(object)));
        words
    }

    /// The facts retrieved for an entity.
    pub(crate) fn facts(&self, topic: Entity) -> &[u32] {
        &self.retrieved[topic.0 as usize]
    }

    /// The facts retrieved for an entity, as word indices of each.
    pub(crate) fn memories(&self, topic: Entity) -> impl ExactSizeIterator<Item = &[u32]> {
        let width = self.memory_words;
        self.facts(topic).iter().map(move |&fact| &self.facts[fact as usize * width..][..width])
    }

    /// The distinct entities among the facts retrieved for one, itself left out, ascending.
    pub(crate) fn retrieved(&self, topic: Entity) -> Vec<Entity> {
        let words = self.memories(topic).flatten();
        let mut entities: Vec<Entity> =
            words.filter_map(|&word| self.entity_of(word)).filter(|e| *e != topic).collect();
        entities.sort_unstable();
        entities.dedup();
        entities
    }

    /// The entity a word stands for.
    fn entity_of(&self, word: u32) -> Option<Entity> {
        word.checked_sub(index(self.words.len())).map(Entity)
    }
}

/// Words before a quoted fact: "a relevant fact is".
const LONGEST_OPENING: usize = 4;
