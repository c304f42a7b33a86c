//! Writes stories in the released format, byte for byte.

use std::fmt::Write as _;

use super::types::{Story, Turn};

/// The stories in the released format, byte for byte: what [`super::read`] reads.
pub fn write(stories: &[Story]) -> String {
    let mut text = String::new();
    for story in stories {
        let mut lines = Lines { text: &mut text, number: 0 };
        story.turns.iter().for_each(|turn| lines.turn(turn));
    }
    text
}

struct Lines<'a> {
    text: &'a mut String,
    number: usize,
}

impl Lines<'_> {
    fn turn(&mut self, turn: &Turn) {
        for statement in &turn.statements {
            self.line(statement, "", false);
        }
        // The released questions end in a space.
        self.line(&format!("{} ", turn.question), &turn.answer, turn.question_reward);
        let Some(reply) = &turn.reply else { return };
        let request = reply.request.as_ref();
        self.line(&reply.text, request.map_or("", |request| &request.text), reply.reward);
        if let Some(request) = request {
            self.line(&request.help, "", false);
        }
    }

    fn line(&mut self, said: &str, answered: &str, reward: bool) {
        self.number += 1;
        let reward = u8::from(reward);
        writeln!(self.text, "{} {said}\t{answered}\t{reward}", self.number)
            .expect("a string grows");
    }
}
