//! Questions in the released format, and the entity that each is about.

use std::collections::HashSet;

use super::knowledge::{Entity, KnowledgeBase, fault, not_utf8, numbered, shown};
use super::phrasing::{self, Ask};
use crate::babi_dialog::ReadError;

/// A question about one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The words with `*` in place of the entity, without the question mark.
    pub phrasing: String,
    /// The entity.
    pub topic: Entity,
    /// The right answers.
    pub answers: Vec<Entity>,
}

impl Question {
    /// Finds the entity a text is about: the longest name in it, the first among equals; a name made
    /// only of words that questions are asked with counts when there is no other.
    pub fn detect(text: &str, knowledge: &KnowledgeBase) -> Option<(String, Entity)> {
        let text = text.strip_suffix('?').unwrap_or(text);
        let mut ends: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
        ends.push(text.len());
        let starts = std::iter::once(0).chain(ends.iter().map(|end| end + 1));
        let mut best: Option<((bool, usize), Entity, usize, usize)> = None;
        for (first, start) in starts.take(ends.len()).enumerate() {
            for (last, &end) in ends.iter().enumerate().skip(first) {
                let span = &text[start..end];
                let named = knowledge.named(span).map(|entity| (entity, end));
                let found = named.or_else(|| {
                    let name = span.strip_suffix(',')?;
                    Some((knowledge.named(name)?, end - 1))
                });
                let Some((entity, end)) = found else { continue };
                let telling = !span.split(' ').all(phrasing::is_function_word);
                let rank = (telling, last + 1 - first);
                if best.is_none_or(|(best, ..)| rank > best) {
                    best = Some((rank, entity, start, end));
                }
            }
        }
        let (_, entity, start, end) = best?;
        Some((format!("{}*{}", &text[..start], &text[end..]), entity))
    }

    /// Reads the released format, `1 what does Tom Cullen act in?→Weekend`, where answers are
    /// separated by a comma and a space; a third column is a reward.
    ///
    /// Names with commas lost repeated parts in the released labels ("Reuben, Reuben" is `Reuben`):
    /// a part of such a name that is no entity is passed over. So are percent signs, which the
    /// knowledge base lacks.
    ///
    /// # Errors
    /// The first line that breaks the format: a missing tab, a number other than 1, a label where
    /// there is no question, a question about no entity, an answer that is no entity, a reward other
    /// than 0 and 1, bytes that are not UTF-8, or an empty file.
    pub fn read_all(
        name_for_errors: &str,
        bytes: &[u8],
        knowledge: &KnowledgeBase,
    ) -> Result<Vec<Self>, ReadError> {
        let reader = Reader::new(knowledge);
        let mut questions = Vec::new();
        let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|&byte| byte == b'\n');
        for (line, text) in (1..).zip(lines) {
            let read = if bytes.is_empty() {
                Err(("a question", "an empty file".into()))
            } else {
                reader.line(text)
            };
            let at = |(wanted, found)| fault(name_for_errors, line, wanted, found);
            questions.push(read.map_err(at)?);
        }
        Ok(questions)
    }

    /// The text, question mark and all.
    pub fn text(&self, knowledge: &KnowledgeBase) -> String {
        self.phrasing.replacen('*', knowledge.name(self.topic), 1) + "?"
    }

    /// What is asked, where the phrasing is a known one.
    pub fn ask(&self) -> Option<Ask> {
        phrasing::ask(&self.phrasing)
    }
}

struct Reader<'a> {
    knowledge: &'a KnowledgeBase,
    /// Parts of names with commas.
    parts: HashSet<&'a str>,
    /// The largest number of commas in a name.
    commas: usize,
}

impl<'a> Reader<'a> {
    fn new(knowledge: &'a KnowledgeBase) -> Self {
        let with_commas = || knowledge.names().iter().filter(|name| name.contains(','));
        let parts = with_commas().flat_map(|name| name.split(',').map(str::trim)).collect();
        let commas = with_commas().map(|name| name.matches(',').count()).max().unwrap_or(0);
        Self { knowledge, parts, commas }
    }

    fn line(&self, text: &[u8]) -> Result<Question, (&'static str, String)> {
        let text = std::str::from_utf8(text).map_err(|error| ("UTF-8", not_utf8(text, &error)))?;
        let mut columns = text.split('\t');
        let (Some(said), Some(label)) = (columns.next(), columns.next()) else {
            return Err(("a question, a tab and its answers", shown(text)));
        };
        match (columns.next(), columns.next()) {
            (None | Some("0" | "1"), None) => {}
            (Some(reward), None) => return Err(("a reward of 0 or 1", shown(reward))),
            _ => return Err(("at most three columns between tabs", shown(text))),
        }
        let (number, said) =
            numbered(said).ok_or(("a line number, a space and a text", shown(said)))?;
        if number != 1 {
            return Err(("line number 1 for every question", number.to_string()));
        }
        if !said.ends_with('?') {
            return Err(("a question before a label", shown(said)));
        }
        let (phrasing, topic) = Question::detect(said, self.knowledge)
            .ok_or(("a question that names an entity", shown(said)))?;
        Ok(Question { phrasing, topic, answers: self.answers(label)? })
    }

    fn answers(&self, label: &str) -> Result<Vec<Entity>, (&'static str, String)> {
        let parts: Vec<&str> = label.split(", ").collect();
        let mut answers = Vec::new();
        let mut at = 0;
        while at < parts.len() {
            let longest = parts.len().min(at + self.commas + 1);
            let found = (at + 1..=longest).rev().find_map(|end| {
                let name = parts[at..end].join(", ");
                let named = self.knowledge.named(&name);
                Some((end, named.or_else(|| self.knowledge.named(&name.replace('%', "")))?))
            });
            match found {
                Some((end, entity)) => {
                    answers.push(entity);
                    at = end;
                }
                None if self.parts.contains(parts[at]) => at += 1,
                None => return Err(("answers that are entities", shown(parts[at]))),
            }
        }
        if answers.is_empty() {
            return Err(("an answer that is an entity", shown(label)));
        }
        Ok(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::knowledge::tests::SMALL;
    use super::*;

    #[test]
    fn the_longest_name_that_is_not_a_way_to_ask_is_the_topic() {
        let knowledge = KnowledgeBase::read("kb", SMALL.as_bytes()).unwrap();
        let detected = |text: &str| {
            let (phrasing, topic) = Question::detect(text, &knowledge)?;
            Some((phrasing, knowledge.name(topic).to_owned()))
        };
        let found = |phrasing: &str, topic: &str| Some((phrasing.to_owned(), topic.to_owned()));
        assert_eq!(
            detected("which words describe film Kismet?"),
            found("which words describe film *", "Kismet")
        );
        assert_eq!(
            detected("what movies are about film?"),
            found("what movies are about *", "film")
        );
        assert_eq!(
            detected("the movie Love, Marilyn, when was it released?"),
            found("the movie *, when was it released", "Love, Marilyn")
        );
        assert_eq!(detected("who directed Casablanca?"), None);
    }

    #[test]
    fn questions_read_back_and_every_fault_names_its_line() {
        let knowledge = KnowledgeBase::read("kb", SMALL.as_bytes()).unwrap();
        let read = |text: &[u8]| Question::read_all("dev", text, &knowledge);
        let sound = b"1 what movies did Liz Garbus direct?\tLove, Marilyn\n\
            1 who starred in Kismet?\tEdward Arnold, Marlene Dietrich\t1\n";
        let questions = read(sound).unwrap();
        assert_eq!(questions[0].text(&knowledge), "what movies did Liz Garbus direct?");
        assert_eq!(questions[0].answers, [knowledge.named("Love, Marilyn").unwrap()]);
        assert_eq!(questions[1].answers.len(), 2);
        let told = |line: &[u8]| {
            read(&[b"1 who starred in Kismet?\tEdward Arnold\n", line].concat())
                .unwrap_err()
                .to_string()
        };
        let q = b"1 who directed Kismet?";
        let with = |rest: &[u8]| told(&[q, rest].concat());
        let cases = [
            (read(b"").unwrap_err().to_string(), "dev:1: wanted a question, found an empty file"),
            (
                with(b""),
                "dev:2: wanted a question, a tab and its answers, found \"1 who directed Kismet?\"",
            ),
            (with(b"\tWilliam Dieterle\t2"), "dev:2: wanted a reward of 0 or 1, found \"2\""),
            (with(b"\tWilly"), "dev:2: wanted answers that are entities, found \"Willy\""),
            (with(b"\tLove"), "dev:2: wanted an answer that is an entity, found \"Love\""),
            (with(b"\tFran\xe7ois"), "dev:2: wanted UTF-8, found byte 0xe7 at column 28"),
            (
                told(b"2 who directed Kismet?\tx"),
                "dev:2: wanted line number 1 for every question, found 2",
            ),
            (told(b"1 Kismet\tx"), "dev:2: wanted a question before a label, found \"Kismet\""),
            (told(b"1 who?\tx"), "dev:2: wanted a question that names an entity, found \"who?\""),
            (told(b"who?\tx"), "dev:2: wanted a line number, a space and a text, found \"who?\""),
        ];
        for (said, wanted) in cases {
            assert_eq!(said, wanted);
        }
    }
}
