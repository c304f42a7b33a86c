//! Reads stories in the released format.

use std::mem;

use thiserror::Error;

use super::types::{Reply, Request, Story, Turn};
use super::vocabulary::PLACES;

/// A file that does not follow the released format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: wanted {wanted}, found {found}")]
pub struct ReadError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What the format has here.
    pub wanted: String,
    /// What is here.
    pub found: String,
}

/// Reads a file in the released format; `name_for_errors` names it in errors.
///
/// # Errors
/// The first line that breaks the format: its columns, its number in the story, a reward other than
/// 0 and 1, a label where there is no question, an answer that is no place, a reply or help that is
/// missing, bytes that are not UTF-8, a file that ends early or is empty.
pub fn read(name_for_errors: &str, bytes: &[u8]) -> Result<Vec<Story>, ReadError> {
    let mut reader = Reader::default();
    let mut last = 0;
    let mut rest = bytes;
    let at = |line| move |fault: Wanted| fault.at(name_for_errors, line);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        last += 1;
        let line = Line::parse(&rest[..end]).map_err(at(last))?;
        reader.line(&line).map_err(at(last))?;
        rest = &rest[end + 1..];
    }
    if !rest.is_empty() {
        let found = shown(&String::from_utf8_lossy(rest));
        return Err(at(last + 1)(Wanted("a line that ends in a newline".into(), found)));
    }
    reader.end("the end of the file").map_err(at(last + 1))?;
    if reader.stories.is_empty() {
        return Err(at(1)(Wanted("a story".into(), "an empty file".into())));
    }
    Ok(reader.stories)
}

/// What was wanted, and what was found.
struct Wanted(String, String);

impl Wanted {
    fn at(self, file: &str, line: usize) -> ReadError {
        ReadError { file: file.into(), line, wanted: self.0, found: self.1 }
    }
}

/// `text` in quotes, cut where it gets long.
fn shown(text: &str) -> String {
    const LONG: usize = 60;
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

struct Line<'a> {
    number: usize,
    said: &'a str,
    answered: &'a str,
    reward: bool,
}

impl<'a> Line<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Wanted> {
        let line = std::str::from_utf8(bytes).map_err(|error| {
            let byte = bytes[error.valid_up_to()];
            Wanted(
                "UTF-8".into(),
                format!("byte 0x{byte:02x} at column {}", error.valid_up_to() + 1),
            )
        })?;
        let wanted = |what: &str, found: &str| Wanted(what.into(), shown(found));
        let columns: Vec<_> = line.split('\t').collect();
        let [said, answered, reward] = columns[..] else {
            return Err(wanted("three columns between tabs", line));
        };
        let numbered = said.split_once(' ').and_then(|(digits, said)| {
            let number: usize = digits.parse().ok()?;
            (number.to_string() == digits && !said.is_empty()).then_some((number, said))
        });
        let Some((number, said)) = numbered else {
            return Err(wanted("a line number, a space and a text", said));
        };
        let reward = match reward {
            "0" => false,
            "1" => true,
            _ => return Err(wanted("a reward of 0 or 1", reward)),
        };
        Ok(Self { number, said, answered, reward })
    }

    /// A line that only says something, `role` in errors.
    fn plain(&self, role: &str) -> Result<String, Wanted> {
        if !self.answered.is_empty() {
            return Err(Wanted(format!("{role} without a label"), shown(self.answered)));
        }
        if self.reward {
            return Err(Wanted(format!("{role} with reward 0"), "reward 1".into()));
        }
        Ok(self.said.to_owned())
    }
}

#[derive(Default)]
struct Reader {
    stories: Vec<Story>,
    /// Statements since the last question.
    statements: Vec<String>,
    /// Lines of the current story so far.
    lines: usize,
    expected: Expected,
}

#[derive(Default)]
enum Expected {
    #[default]
    StatementOrQuestion,
    Reply,
    Help,
}

impl Reader {
    fn line(&mut self, line: &Line<'_>) -> Result<(), Wanted> {
        if line.number == 1 {
            self.end("the next story")?;
            self.lines = 0;
            self.stories.push(Story { turns: Vec::new() });
        } else if self.lines == 0 || line.number != self.lines + 1 {
            let wanted = match self.lines {
                0 => "line number 1".into(),
                lines => format!("line number {} or 1", lines + 1),
            };
            return Err(Wanted(wanted, line.number.to_string()));
        }
        self.lines += 1;
        match self.expected {
            Expected::StatementOrQuestion
                if line.answered.is_empty() && line.said.ends_with("? ") =>
            {
                Err(Wanted("an answer to the question".into(), "an empty label".into()))
            }
            Expected::StatementOrQuestion if line.answered.is_empty() => {
                self.statements.push(line.plain("a statement")?);
                Ok(())
            }
            Expected::StatementOrQuestion => self.question(line),
            Expected::Reply => self.reply(line),
            Expected::Help => self.help(line),
        }
    }

    fn question(&mut self, line: &Line<'_>) -> Result<(), Wanted> {
        let Some(question) = line.said.strip_suffix(' ').filter(|said| said.ends_with('?')) else {
            let wanted = "a question ending in \"? \" before a label";
            return Err(Wanted(wanted.into(), shown(line.said)));
        };
        if !PLACES.contains(&line.answered) {
            let wanted = format!("an answer among {}", PLACES.join(", "));
            return Err(Wanted(wanted, shown(line.answered)));
        }
        let turn = Turn {
            statements: mem::take(&mut self.statements),
            question: question.into(),
            answer: line.answered.into(),
            question_reward: line.reward,
            reply: None,
        };
        let story = self.stories.last_mut().expect("line 1 began a story");
        story.turns.push(turn);
        if !line.reward {
            self.expected = Expected::Reply;
        }
        Ok(())
    }

    fn reply(&mut self, line: &Line<'_>) -> Result<(), Wanted> {
        if line.said.ends_with("? ") {
            return Err(Wanted("a reply to the unrewarded answer".into(), shown(line.said)));
        }
        self.expected = Expected::StatementOrQuestion;
        let mut request = None;
        if !line.answered.is_empty() {
            request = Some(Request { text: line.answered.into(), help: String::new() });
            self.expected = Expected::Help;
        }
        let reply = Reply { text: line.said.into(), reward: line.reward, request };
        self.turn().reply = Some(reply);
        Ok(())
    }

    fn help(&mut self, line: &Line<'_>) -> Result<(), Wanted> {
        let help = line.plain("help")?;
        let reply = self.turn().reply.as_mut().expect("help follows a reply");
        reply.request.as_mut().expect("help follows a request").help = help;
        self.expected = Expected::StatementOrQuestion;
        Ok(())
    }

    fn turn(&mut self) -> &mut Turn {
        let story = self.stories.last_mut().expect("line 1 began a story");
        story.turns.last_mut().expect("a reply follows a question")
    }

    /// Whether a story may end here, before `next`.
    fn end(&mut self, next: &str) -> Result<(), Wanted> {
        let wanted = match self.expected {
            Expected::Reply => "a reply to the unrewarded answer",
            Expected::Help => "the help that was requested",
            Expected::StatementOrQuestion if !self.statements.is_empty() => {
                "a question after the statements"
            }
            Expected::StatementOrQuestion => return Ok(()),
        };
        Err(Wanted(wanted.into(), next.into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::babi_dialog::write;

    const SOUND: &str = "1 Mary moved to the bathroom.\t\t0\n\
                         2 Where is Mary? \tgarden\t0\n\
                         3 Wrong.\tCan_you_give_me_a_hint?\t0\n\
                         4 bathroom\t\t0\n\
                         5 John went to the hallway.\t\t0\n\
                         6 Where is John? \thallway\t1\n\
                         1 Where is Mary? \toffice\t0\n\
                         2 Yes!\t\t1\n";

    #[test]
    fn every_kind_of_line_finds_its_place() {
        let stories = read("sound.txt", SOUND.as_bytes()).unwrap();
        let help = Request { text: "Can_you_give_me_a_hint?".into(), help: "bathroom".into() };
        let wrong = Reply { text: "Wrong.".into(), reward: false, request: Some(help) };
        let yes = Reply { text: "Yes!".into(), reward: true, request: None };
        let turn = |statement: &str, question: &str, answer: &str, reply: Option<Reply>| Turn {
            statements: Some(statement.to_owned()).filter(|s| !s.is_empty()).into_iter().collect(),
            question: question.into(),
            answer: answer.into(),
            question_reward: reply.is_none(),
            reply,
        };
        let first = vec![
            turn("Mary moved to the bathroom.", "Where is Mary?", "garden", Some(wrong)),
            turn("John went to the hallway.", "Where is John?", "hallway", None),
        ];
        let second = vec![turn("", "Where is Mary?", "office", Some(yes))];
        assert_eq!(stories, [Story { turns: first }, Story { turns: second }]);
        assert_eq!(write(&stories), SOUND);
    }

    #[test]
    fn every_fault_names_its_line() {
        let between = |from: &str, to: &str| {
            let (from, to) = (SOUND.find(from).unwrap(), SOUND.rfind(to).unwrap());
            SOUND.as_bytes()[from..to].to_vec()
        };
        let broken: [(&str, &[u8], &[u8]); 20] = [
            ("a tab is missing", b"bathroom.\t\t0", b"bathroom.\t0"),
            ("a tab too many", b"bathroom.\t\t0", b"bathroom.\t\t0\t"),
            ("no line number", b"2 Where", b"Where"),
            ("no text", b"4 bathroom", b"4 "),
            ("a label without a question", b"bathroom.\t\t0", b"bathroom.\tbathroom\t0"),
            ("a question without a label", b"Mary? \tgarden", b"Mary? \t"),
            ("a question without its space", b"Mary? \tgarden", b"Mary?\tgarden"),
            ("a reward of 2", b"Yes!\t\t1", b"Yes!\t\t2"),
            ("a carriage return", b"Yes!\t\t1", b"Yes!\t\t1\r"),
            ("a rewarded statement", b"bathroom.\t\t0", b"bathroom.\t\t1"),
            ("a labelled help", b"4 bathroom\t", b"4 bathroom\tx"),
            ("a number is skipped", b"5 John", b"6 John"),
            ("numbers do not restart", b"\t1\n1 Where", b"\t1\n8 Where"),
            ("numbers do not begin at 1", b"1 Mary", b"2 Mary"),
            ("bytes that are not UTF-8", b"John went", b"J\xffhn went"),
            ("latin-1", b"Wrong.", b"Erron\xe9."),
            ("an answer that is no place", b"Mary? \tgarden", b"Mary? \tattic"),
            ("no reply", &between("3 Wrong", "Where is John"), b"3 "),
            ("no help", &between("4 bathroom", "1 Where"), b""),
            ("a story ends after statements", b"6 Where is John? \thallway\t1\n", b""),
        ];
        let mut said = String::new();
        let mut note = |what: &str, bytes: &[u8]| match read("broken.txt", bytes) {
            Ok(stories) => said.push_str(&format!("{what}\n  reads as {stories:?}\n")),
            Err(error) => said.push_str(&format!("{what}\n  {error}\n")),
        };
        for (what, sound, unsound) in broken {
            let at = SOUND.as_bytes().windows(sound.len()).position(|window| window == sound);
            let (before, rest) = SOUND.as_bytes().split_at(at.expect("the sound text is there"));
            note(what, &[before, unsound, &rest[sound.len()..]].concat());
        }
        note("an empty file", b"");
        note("cut off inside a line", &SOUND.as_bytes()[..SOUND.len() - 4]);
        let lines: Vec<_> = SOUND.split_inclusive('\n').collect();
        for kept in [1, 2, 3, 7] {
            note(&format!("cut off after {kept} lines"), lines[..kept].concat().as_bytes());
        }
        insta::assert_snapshot!(said);
    }

    fn text() -> impl Strategy<Value = String> {
        "[A-Za-zé',.!_][A-Za-zé',.!_ ]{0,12}"
    }

    fn turn() -> impl Strategy<Value = Turn> {
        let request = (text(), text()).prop_map(|(text, help)| Request { text, help });
        let reply = (text(), any::<bool>(), proptest::option::of(request))
            .prop_map(|(text, reward, request)| Reply { text, reward, request });
        let statements = proptest::collection::vec(text(), 0..4);
        (statements, text(), proptest::sample::select(&PLACES[..]), proptest::option::of(reply))
            .prop_map(|(statements, question, answer, reply)| Turn {
                statements,
                question: question + "?",
                answer: answer.into(),
                question_reward: reply.is_none(),
                reply,
            })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            stories in proptest::collection::vec(proptest::collection::vec(turn(), 1..4), 1..4)
        ) {
            let stories: Vec<_> = stories.into_iter().map(|turns| Story { turns }).collect();
            prop_assert_eq!(read("written.txt", write(&stories).as_bytes()), Ok(stories));
        }

        #[test]
        fn no_bytes_make_it_panic(cut in 0..SOUND.len(), byte: u8) {
            let mut bytes = SOUND.as_bytes().to_vec();
            bytes[cut] = byte;
            if let Ok(stories) = read("changed.txt", &bytes) {
                let written = write(&stories);
                prop_assert_eq!(written.as_bytes(), &bytes[..]);
            }
        }
    }
}
