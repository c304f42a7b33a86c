//! Converts stories into training examples of word indices.

use datasets::babi_dialog::{PLACES, Story, Turn};
use experiment::Error;

use crate::params::{Corrections, NoReply, Params};
use crate::text::{Vocabulary, index};

/// One question with everything a learner may use of its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Example {
    /// Word indices of what was said before, oldest first, each with its time token.
    pub(crate) memories: Vec<Vec<u32>>,
    /// Word indices of the question.
    pub(crate) question: Vec<u32>,
    /// The student's answer as an index into [`PLACES`]; `None` where a turn has none.
    pub(crate) answer: Option<u32>,
    /// Whether there is an answer that can be imitated here.
    pub(crate) imitable: bool,
    /// Whether the answer was rewarded.
    pub(crate) rewarded: bool,
    /// What the teacher said next.
    pub(crate) reply: Option<String>,
}

/// Texts of stories in which words are looked up.
pub(crate) fn texts(stories: &[Story]) -> impl Iterator<Item = &str> {
    stories.iter().flat_map(|story| &story.turns).flat_map(|turn| {
        let reply = turn.reply.iter().flat_map(|reply| {
            let help = reply.request.iter().map(|request| request.help.as_str());
            std::iter::once(reply.text.as_str()).chain(help)
        });
        turn.statements.iter().map(String::as_str).chain([turn.question.as_str()]).chain(reply)
    })
}

/// The largest number of lines that can be in memory at a question of these stories.
pub(crate) fn longest_memory(stories: &[Story]) -> usize {
    let lines = |turn: &Turn| turn.statements.len() + usize::from(turn.reply.is_some());
    stories.iter().map(|story| story.turns.iter().map(lines).sum()).max().unwrap_or(0)
}

/// Turns stories into examples, as `params` reads them.
pub(crate) fn examples(
    stories: &[Story],
    vocabulary: &Vocabulary,
    params: &Params,
) -> Result<Vec<Example>, Error> {
    let mut examples = Vec::new();
    for story in stories {
        let mut heard = Heard::new(vocabulary, params);
        for (at, turn) in story.turns.iter().enumerate() {
            heard.question(turn);
            examples.extend(heard.turn(turn, story.turns.get(at + 1))?);
        }
    }
    Ok(examples)
}

/// A story as far as it was told.
pub(crate) struct Heard<'a> {
    vocabulary: &'a Vocabulary,
    params: &'a Params,
    /// Word indices of each line that is remembered.
    lines: Vec<Vec<u32>>,
}

impl<'a> Heard<'a> {
    pub(crate) fn new(vocabulary: &'a Vocabulary, params: &'a Params) -> Self {
        Self { vocabulary, params, lines: Vec::new() }
    }

    fn hear(&mut self, line: &str) {
        self.lines.push(self.vocabulary.encode(line));
    }

    /// Hears the statements of a turn; its question, before there is an answer.
    pub(crate) fn question(&mut self, turn: &Turn) -> Example {
        turn.statements.iter().for_each(|statement| self.hear(statement));
        Example {
            memories: with_times(&self.lines, self.vocabulary, self.params.time_features),
            question: self.vocabulary.encode(&turn.question),
            answer: None,
            imitable: false,
            rewarded: false,
            reply: None,
        }
    }

    /// What can be learned from a turn whose question was heard; `next` follows it.
    pub(crate) fn turn(&mut self, turn: &Turn, next: Option<&Turn>) -> Result<Vec<Example>, Error> {
        let memories = with_times(&self.lines, self.vocabulary, self.params.time_features);
        let reply = turn.reply.as_ref();
        let asked = Example {
            memories,
            question: self.vocabulary.encode(&turn.question),
            answer: Some(place(&turn.answer)?),
            imitable: true,
            rewarded: turn.question_reward || reply.is_some_and(|reply| reply.reward),
            reply: match (reply, self.params.no_reply) {
                (Some(reply), _) => Some(reply.text.clone()),
                (None, NoReply::Skip) => None,
                (None, NoReply::NextLine) => next.and_then(|next| next.statements.first().cloned()),
            },
        };
        let mut examples = vec![asked];
        let Some(reply) = reply else { return Ok(examples) };
        if let Some(request) = &reply.request {
            self.correct(&mut examples, &reply.text, &request.help);
            // The first reply asked for a request, so it is part of an exchange, not a fact.
            self.hear(&request.help);
        } else if self.params.replies_in_memory {
            self.hear(&reply.text);
        }
        Ok(examples)
    }

    /// Reads the help that follows a first reply; the question is all there is in `examples`.
    fn correct(&self, examples: &mut Vec<Example>, reply: &str, help: &str) {
        let second = |question: Vec<u32>, answer| Example {
            memories: examples[0].memories.clone(),
            question,
            answer,
            imitable: false,
            rewarded: false,
            reply: Some(help.to_owned()),
        };
        let (question, answer) = (&examples[0].question, examples[0].answer);
        let reply = self.vocabulary.encode(reply);
        let second = match self.params.corrections {
            Corrections::First => return,
            Corrections::SecondTurn => second(reply, None),
            Corrections::History => second([question.clone(), reply].concat(), None),
            Corrections::Both => second(question.clone(), answer),
            Corrections::Help => {
                examples[0].reply = Some(help.to_owned());
                return;
            }
        };
        examples.push(second);
    }
}

/// Word indices of each line, with a token for its distance from the end.
pub(crate) fn encode_memories(said: &[&str], vocabulary: &Vocabulary, time: bool) -> Vec<Vec<u32>> {
    let lines: Vec<Vec<u32>> = said.iter().map(|line| vocabulary.encode(line)).collect();
    with_times(&lines, vocabulary, time)
}

fn with_times(lines: &[Vec<u32>], vocabulary: &Vocabulary, time: bool) -> Vec<Vec<u32>> {
    let count = lines.len();
    let with_time = |(at, line): (usize, &Vec<u32>)| {
        let token = time.then(|| vocabulary.time(count - at));
        line.iter().copied().chain(token).collect()
    };
    lines.iter().enumerate().map(with_time).collect()
}

/// A place's index in [`PLACES`].
pub(crate) fn place(answer: &str) -> Result<u32, Error> {
    let found = PLACES.iter().position(|place| *place == answer);
    let message = || format!("wanted one of {}, found {answer:?}", PLACES.join(", "));
    Ok(index(found.ok_or_else(|| Error::data("babi1-dialog", message()))?))
}

#[cfg(test)]
mod tests {
    use datasets::babi_dialog::read;

    use super::*;

    const STORY: &[u8] = b"1 Mary moved to the bathroom.\t\t0\n\
        2 John went to the hallway.\t\t0\n\
        3 Where is Mary? \thallway\t0\n\
        4 No.\tCan_you_give_me_a_hint?\t0\n\
        5 A relevant fact is Mary moved to the bathroom.\t\t0\n\
        6 John went to the office.\t\t0\n\
        7 Mary went to the garden.\t\t0\n\
        8 Where is John? \toffice\t1\n";

    fn read_as(params: &Params) -> Vec<Example> {
        let stories = read("story", STORY).unwrap();
        let vocabulary = Vocabulary::new(texts(&stories), longest_memory(&stories));
        examples(&stories, &vocabulary, params).unwrap()
    }

    #[test]
    fn help_is_remembered_and_the_refusal_before_it_is_not() {
        let found = read_as(&Params::default());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].memories.len(), 2);
        assert_eq!(found[0].reply.as_deref(), Some("No."));
        assert_eq!((found[0].rewarded, found[1].rewarded), (false, true));
        assert_eq!(found[1].memories.len(), 5);
        assert_eq!(found[1].reply, None);
    }

    #[test]
    fn the_released_codes_reading_makes_the_refusal_a_question() {
        let params = Params {
            corrections: Corrections::SecondTurn,
            no_reply: NoReply::NextLine,
            ..Params::default()
        };
        let found = read_as(&params);
        assert_eq!(found.len(), 3);
        assert_eq!(found[1].answer, None);
        assert_eq!(found[1].memories, found[0].memories);
        let help = "A relevant fact is Mary moved to the bathroom.";
        assert_eq!(found[1].reply.as_deref(), Some(help));
        assert_eq!(found[2].reply, None, "a story's last line has no next one");
    }

    #[test]
    fn help_can_be_the_reply_to_the_answer_or_one_of_two() {
        let read = |corrections| read_as(&Params { corrections, ..Params::default() });
        let help = Some("A relevant fact is Mary moved to the bathroom.");
        let only = read(Corrections::Help);
        assert_eq!((only.len(), only[0].reply.as_deref()), (2, help));
        let both = read(Corrections::Both);
        assert_eq!(
            (both.len(), both[0].reply.as_deref(), both[1].reply.as_deref()),
            (3, Some("No."), help)
        );
        assert_eq!(both[1].answer, both[0].answer);
        assert_eq!(both[1].question, both[0].question);
        assert_eq!([0, 1, 2].map(|at| both[at].imitable), [true, false, true]);
    }

    #[test]
    fn time_tokens_count_back_from_the_question() {
        let found = read_as(&Params::default());
        let last = |example: &Example| -> Vec<u32> {
            example.memories.iter().map(|memory| *memory.last().unwrap()).collect()
        };
        let newest = last(&found[0])[1];
        assert_eq!(last(&found[0]), [newest + 1, newest]);
        assert_eq!(last(&found[1]), [newest + 4, newest + 3, newest + 2, newest + 1, newest]);
    }
}
