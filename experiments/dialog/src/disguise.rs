//! Alters the teacher's replies, to test what is learned from their words.

use std::collections::BTreeMap;

use datasets::babi_dialog::{NEGATIVE, PLACES, POSITIVE, Reply, Story};
use rand::Rng;
use rand::seq::SliceRandom;

use crate::params::Disguise;

/// Changes what the teacher says in stories to learn from, rewards left alone.
pub(crate) fn disguise(stories: &mut [Story], how: Disguise, rng: &mut impl Rng) {
    match how {
        Disguise::AsSaid => {}
        Disguise::Shuffled => shuffle(stories, rng),
        Disguise::Swapped => rewrite(stories, swapped),
        Disguise::Tokens => tokens(stories),
        Disguise::AnswerRemoved => rewrite(stories, without_places),
    }
}

fn replies(stories: &mut [Story]) -> impl Iterator<Item = &mut Reply> {
    stories.iter_mut().flat_map(|story| &mut story.turns).filter_map(|turn| turn.reply.as_mut())
}

/// Deals texts, each with the request and help that belong to it.
fn shuffle(stories: &mut [Story], rng: &mut impl Rng) {
    let mut said: Vec<Reply> = replies(stories).map(|reply| reply.clone()).collect();
    said.shuffle(rng);
    for (reply, other) in replies(stories).zip(said) {
        *reply = Reply { reward: reply.reward, ..other };
    }
}

fn rewrite(stories: &mut [Story], mut text: impl FnMut(&str) -> String) {
    for reply in replies(stories) {
        reply.text = text(&reply.text);
        if let Some(request) = &mut reply.request {
            request.help = text(&request.help);
        }
    }
}

fn swapped(text: &str) -> String {
    let other = |from: [&'static str; 6], to: [&'static str; 6]| {
        from.iter().position(|known| *known == text).map(|at| to[at].to_owned())
    };
    let begins_otherwise = || {
        let word = |from: &str, to: &str| Some(format!("{to},{}", text.strip_prefix(from)?));
        word("No,", "Yes").or_else(|| word("Yes,", "No"))
    };
    other(POSITIVE, NEGATIVE)
        .or_else(|| other(NEGATIVE, POSITIVE))
        .or_else(begins_otherwise)
        .unwrap_or_else(|| text.to_owned())
}

fn tokens(stories: &mut [Story]) {
    let mut known = BTreeMap::new();
    rewrite(stories, |text| {
        let next = known.len();
        format!("reply{}", known.entry(text.to_owned()).or_insert(next))
    });
}

fn without_places(text: &str) -> String {
    let kept = |word: &&str| !PLACES.contains(&word.trim_end_matches('.'));
    text.split(' ').filter(kept).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use datasets::babi_dialog::{Regime, generate};
    use experiment::Stream;

    use super::*;

    fn said(how: Disguise) -> Vec<(String, bool)> {
        let stream = Stream::new(3, "stories");
        let mut stories = generate(Regime::PartialRewards, 0.5, 20, |story| stream.rng(story));
        disguise(&mut stories, how, &mut stream.rng(99));
        replies(&mut stories).map(|reply| (reply.text.clone(), reply.reward)).collect()
    }

    #[test]
    fn shuffled_replies_are_the_same_elsewhere_and_rewards_stay() {
        let (before, after) = (said(Disguise::AsSaid), said(Disguise::Shuffled));
        let rewards = |said: &[(String, bool)]| said.iter().map(|said| said.1).collect::<Vec<_>>();
        assert_eq!(rewards(&before), rewards(&after));
        assert_ne!(before, after);
        let sorted = |said: Vec<(String, bool)>| {
            let mut texts: Vec<String> = said.into_iter().map(|said| said.0).collect();
            texts.sort_unstable();
            texts
        };
        assert_eq!(sorted(before), sorted(after));
    }

    #[test]
    fn yes_and_no_change_places() {
        assert_eq!(swapped("Yes!"), "No, that's wrong.");
        assert_eq!(swapped("No."), "That's right.");
        assert_eq!(swapped("No, the answer is kitchen."), "Yes, the answer is kitchen.");
        assert_eq!(swapped("Almost, they are outside."), "Almost, they are outside.");
        for (text, _) in said(Disguise::AsSaid) {
            assert_eq!(swapped(&swapped(&text)), text);
        }
    }

    #[test]
    fn each_text_becomes_one_token() {
        let pairs: BTreeMap<_, _> =
            said(Disguise::AsSaid).into_iter().zip(said(Disguise::Tokens)).collect();
        let mut tokens: Vec<&String> = pairs.values().map(|(token, _)| token).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let mut texts: Vec<&String> = pairs.keys().map(|(text, _)| text).collect();
        texts.dedup();
        assert_eq!(tokens.len(), texts.len());
        assert!(tokens.iter().all(|token| !token.contains(' ')));
    }

    #[test]
    fn answers_are_struck_out() {
        assert_eq!(without_places("No, the answer is kitchen."), "No, the answer is");
        assert_eq!(without_places("Yes, that's right."), "Yes, that's right.");
        assert_eq!(without_places("garden"), "");
    }
}
