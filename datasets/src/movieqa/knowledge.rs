//! Reads the knowledge base: entities, facts and the relations between them.

use std::collections::HashMap;

use super::phrasing::Aspect;
use crate::babi_dialog::ReadError;

/// Something that has a name: a movie, a person, a year, a language, a genre, a topic.
///
/// Movies of the same title are one entity, as they are in the released knowledge base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity(pub u32);

/// What a fact says of a movie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Who directed it.
    DirectedBy,
    /// Who wrote it.
    WrittenBy,
    /// Who played in it.
    StarredActors,
    /// The year of its release.
    ReleaseYear,
    /// The language spoken in it.
    InLanguage,
    /// Its genre.
    HasGenre,
    /// Topics that people tagged it with.
    HasTags,
    /// How well it is rated, in a word.
    HasImdbRating,
    /// How often it is rated, in a word.
    HasImdbVotes,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 9] = [
        Self::DirectedBy,
        Self::WrittenBy,
        Self::StarredActors,
        Self::ReleaseYear,
        Self::InLanguage,
        Self::HasGenre,
        Self::HasTags,
        Self::HasImdbRating,
        Self::HasImdbVotes,
    ];

    /// The word of the released file, for example `directed_by`.
    pub fn code(self) -> &'static str {
        match self {
            Self::DirectedBy => "directed_by",
            Self::WrittenBy => "written_by",
            Self::StarredActors => "starred_actors",
            Self::ReleaseYear => "release_year",
            Self::InLanguage => "in_language",
            Self::HasGenre => "has_genre",
            Self::HasTags => "has_tags",
            Self::HasImdbRating => "has_imdb_rating",
            Self::HasImdbVotes => "has_imdb_votes",
        }
    }

    /// The relation of the released file's word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.code() == code)
    }
}

/// One line of the knowledge base: `Kismet starred_actors Marlene Dietrich, Edward Arnold`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The movie.
    pub subject: Entity,
    /// What is said of it.
    pub relation: Relation,
    /// The objects, in the order of the line.
    pub objects: Vec<Entity>,
}

/// Entities and facts, with an index from each entity to the facts that name it.
#[derive(Debug, Clone, Default)]
pub struct KnowledgeBase {
    names: Vec<String>,
    numbers: HashMap<String, Entity>,
    facts: Vec<Fact>,
    about: Vec<Vec<u32>>,
}

impl KnowledgeBase {
    /// Reads the released format; `name_for_errors` names the file in errors.
    ///
    /// Objects are separated by a comma and a space; a comma inside a name cannot be told from one.
    ///
    /// # Errors
    /// The first line that breaks the format: its number, a relation that is missing or not alone,
    /// an object that is missing, bytes that are not UTF-8, or an empty file.
    pub fn read(name_for_errors: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        let mut knowledge = Self::default();
        let mut previous = 0;
        for (line, text) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
            if text.is_empty() {
                previous = 0;
                continue;
            }
            let said = knowledge.line(text, &mut previous);
            said.map_err(|(wanted, found)| fault(name_for_errors, line, wanted, found))?;
        }
        if knowledge.facts.is_empty() {
            return Err(fault(name_for_errors, 1, "a fact", "an empty file".into()));
        }
        Ok(knowledge)
    }

    fn line(&mut self, text: &[u8], previous: &mut usize) -> Result<(), (&'static str, String)> {
        let text = std::str::from_utf8(text).map_err(|error| ("UTF-8", not_utf8(text, &error)))?;
        let (number, fact) =
            numbered(text).ok_or(("a line number, a space and a fact", shown(text)))?;
        if number != *previous + 1 {
            return Err(("line numbers that count from 1 for every movie", number.to_string()));
        }
        *previous = number;
        let mut found = words(fact)
            .filter_map(|(start, word)| Some((start, word.len(), Relation::from_code(word)?)));
        let (Some((start, length, relation)), None) = (found.next(), found.next()) else {
            return Err(("one relation", shown(fact)));
        };
        let subject = fact[..start].trim_end_matches(' ');
        let objects: Vec<&str> =
            fact[start + length..].trim_start_matches(' ').split(", ").collect();
        if subject.is_empty() || objects.iter().any(|object| object.is_empty()) {
            return Err(("a movie, a relation and its objects", shown(fact)));
        }
        let subject = self.entity(subject);
        let objects: Vec<Entity> = objects.into_iter().map(|object| self.entity(object)).collect();
        let number = u32::try_from(self.facts.len()).expect("fewer than 2^32 facts");
        for &named in [subject].iter().chain(&objects) {
            let about = &mut self.about[named.0 as usize];
            if about.last() != Some(&number) {
                about.push(number);
            }
        }
        self.facts.push(Fact { subject, relation, objects });
        Ok(())
    }

    fn entity(&mut self, name: &str) -> Entity {
        if let Some(&known) = self.numbers.get(name) {
            return known;
        }
        let new = Entity(u32::try_from(self.names.len()).expect("fewer than 2^32 entities"));
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), new);
        self.about.push(Vec::new());
        new
    }

    /// Number of entities; they count from 0.
    pub fn entities(&self) -> usize {
        self.names.len()
    }

    /// The name of an entity.
    pub fn name(&self, entity: Entity) -> &str {
        &self.names[entity.0 as usize]
    }

    /// The names of all entities, in their order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The entity called `name`, capitals and all.
    pub fn named(&self, name: &str) -> Option<Entity> {
        self.numbers.get(name).copied()
    }

    /// All facts, in the order of the file.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// A fact as its line has it, without the number: `Kismet directed_by William Dieterle`.
    ///
    /// # Panics
    /// When there is no fact of this number.
    pub fn fact_text(&self, number: u32) -> String {
        let fact = &self.facts[number as usize];
        let objects: Vec<&str> = fact.objects.iter().map(|&object| self.name(object)).collect();
        format!("{} {} {}", self.name(fact.subject), fact.relation.code(), objects.join(", "))
    }

    /// The numbers of the facts that name an entity, in the order of the file.
    pub fn about(&self, entity: Entity) -> &[u32] {
        &self.about[entity.0 as usize]
    }

    /// What stands at the other side of `relation` from `topic`, ascending and without repeats.
    pub fn answers(&self, topic: Entity, relation: Relation, aspect: Aspect) -> Vec<Entity> {
        let facts = self.about(topic).iter().map(|&fact| &self.facts[fact as usize]);
        let mut answers: Vec<Entity> = facts
            .filter(|fact| fact.relation == relation)
            .flat_map(|fact| match aspect {
                Aspect::Objects if fact.subject == topic => fact.objects.clone(),
                Aspect::Subjects if fact.objects.contains(&topic) => vec![fact.subject],
                _ => Vec::new(),
            })
            .collect();
        answers.sort_unstable();
        answers.dedup();
        answers
    }
}

/// The words of a text with where they start.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(' ').map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

/// A line's number and what follows it.
pub(super) fn numbered(line: &str) -> Option<(usize, &str)> {
    let (digits, said) = line.split_once(' ')?;
    let number: usize = digits.parse().ok()?;
    (number.to_string() == digits && !said.is_empty()).then_some((number, said))
}

pub(super) fn not_utf8(bytes: &[u8], error: &std::str::Utf8Error) -> String {
    let column = error.valid_up_to();
    format!("byte 0x{:02x} at column {}", bytes[column], column + 1)
}

/// `text` in quotes, cut where it gets long.
pub(super) fn shown(text: &str) -> String {
    const LONG: usize = 60;
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

pub(super) fn fault(file: &str, line: usize, wanted: &str, found: String) -> ReadError {
    ReadError { file: file.into(), line, wanted: wanted.into(), found }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const SMALL: &str = "1 Kismet directed_by William Dieterle\n\
        2 Kismet starred_actors Marlene Dietrich, Edward Arnold\n\
        3 Kismet release_year 1944\n\
        4 Kismet has_tags bd-r, film\n\
        \n\
        1 Love, Marilyn directed_by Liz Garbus\n\
        2 Love, Marilyn has_genre Documentary\n\
        \n\
        1 Kismet release_year 1955\n\
        \n\
        1 Morocco starred_actors Gary Cooper, Marlene Dietrich\n";

    #[test]
    fn facts_are_found_by_every_entity_they_name() {
        let knowledge = KnowledgeBase::read("kb", SMALL.as_bytes()).unwrap();
        let named = |name: &str| knowledge.named(name).unwrap();
        assert_eq!(knowledge.facts().len(), 8);
        assert_eq!(knowledge.entities(), 13);
        assert_eq!(knowledge.about(named("Marlene Dietrich")), [1, 7]);
        assert_eq!(knowledge.about(named("Kismet")), [0, 1, 2, 3, 6]);
        assert_eq!(knowledge.name(knowledge.facts()[5].subject), "Love, Marilyn");
        let years = knowledge.answers(named("Kismet"), Relation::ReleaseYear, Aspect::Objects);
        assert_eq!(years, [named("1944"), named("1955")]);
        let movies =
            |person| knowledge.answers(named(person), Relation::StarredActors, Aspect::Subjects);
        assert_eq!(movies("Marlene Dietrich"), [named("Kismet"), named("Morocco")]);
        assert_eq!(movies("Liz Garbus"), []);
    }

    #[test]
    fn every_fault_names_its_line() {
        let told = |text: &[u8]| KnowledgeBase::read("kb", text).unwrap_err().to_string();
        assert_eq!(told(b""), "kb:1: wanted a fact, found an empty file");
        let with = |line: &[u8]| told(&[b"1 A directed_by B\n", line].concat());
        assert_eq!(with(b"2 A B"), "kb:2: wanted one relation, found \"A B\"");
        assert_eq!(
            with(b"2 A directed_by written_by B"),
            "kb:2: wanted one relation, found \"A directed_by written_by B\""
        );
        assert_eq!(
            with(b"3 A directed_by B"),
            "kb:2: wanted line numbers that count from 1 for every movie, found 3"
        );
        assert_eq!(
            with(b"\n2 A directed_by B"),
            "kb:3: wanted line numbers that count from 1 for every movie, found 2"
        );
        assert_eq!(
            with(b"A directed_by B"),
            "kb:2: wanted a line number, a space and a fact, found \"A directed_by B\""
        );
        let wanted = "kb:2: wanted a movie, a relation and its objects, found";
        assert_eq!(with(b"2 A directed_by B, "), format!("{wanted} \"A directed_by B, \""));
        assert_eq!(with(b"2 directed_by B"), format!("{wanted} \"directed_by B\""));
        assert_eq!(
            with(b"2 A directed_by Fran\xe7ois"),
            "kb:2: wanted UTF-8, found byte 0xe7 at column 21"
        );
    }
}
