//! How often things happen in stories, and which forms the lines take.

use std::collections::{BTreeMap, BTreeSet};

use datasets::babi_dialog::{
    ACTORS, NEGATIVE, PLACES, POSITIVE, Regime, Reply, Story, Turn, VERBS, area, write,
};

/// Hits and trials of every quantity, by group and name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Rates(BTreeMap<(String, String), (u64, u64)>);

/// What was last said of each actor: the place and the whole statement.
pub(crate) type Facts<'a> = BTreeMap<&'a str, (&'a str, &'a str)>;

/// Actor, verb and place of a statement.
pub(crate) fn parts(statement: &str) -> (&str, &str, &str) {
    let (actor, rest) = statement.split_once(' ').expect("an actor");
    let (verb, place) = rest.split_once(" the ").expect("a place");
    (actor, verb, place.strip_suffix('.').expect("a full stop"))
}

/// The actor that a question is about.
pub(crate) fn asked(turn: &Turn) -> &str {
    turn.question.strip_prefix("Where is ").and_then(|q| q.strip_suffix('?')).expect("a question")
}

/// Every turn with what is known when its question is asked.
pub(crate) fn turns(story: &Story) -> Vec<(&Turn, Facts<'_>)> {
    let mut facts = Facts::new();
    let known = |turn| {
        let turn: &Turn = turn;
        for statement in &turn.statements {
            let (actor, _, place) = parts(statement);
            facts.insert(actor, (place, statement.as_str()));
        }
        (turn, facts.clone())
    };
    story.turns.iter().map(known).collect()
}

impl Rates {
    fn count(&mut self, group: &str, name: impl Into<String>, hit: bool) {
        let (hits, trials) = self.0.entry((group.into(), name.into())).or_default();
        *hits += u64::from(hit);
        *trials += 1;
    }

    fn one_of(&mut self, group: &str, what: &str, among: &[&str], found: &str) {
        assert!(among.contains(&found), "{what} {found:?}");
        for candidate in among {
            self.count(group, format!("{what}: {candidate}"), *candidate == found);
        }
    }

    /// Statements and questions, which all regimes share.
    pub(crate) fn add_scenes(&mut self, group: &str, story: &Story) {
        let mut actors: Vec<&str> = Vec::new();
        let mut places = BTreeMap::new();
        let mut before = None;
        for (number, turn) in story.turns.iter().enumerate() {
            for statement in &turn.statements {
                let (actor, verb, place) = parts(statement);
                self.one_of(group, "actor", &ACTORS, actor);
                self.one_of(group, "verb", &VERBS, verb);
                self.one_of(group, "place", &PLACES, place);
                actors.push(actor);
                if let Some(from) = places.insert(actor, place) {
                    self.count(group, "goes where it is", from == place);
                }
            }
            let [first, second] = &turn.statements[..] else { panic!("two statements") };
            let (first, second) = (parts(first), parts(second));
            self.count(group, "one actor moves twice", first.0 == second.0);
            self.count(group, "two moves to one place", first.2 == second.2);
            let about = asked(turn);
            let age = actors.iter().rev().position(|actor| *actor == about).expect("it moved");
            let ages = ["0", "1", "2", "3", "4", "more"];
            let about_age = format!("question {}, moves since", number + 1);
            self.one_of(group, &about_age, &ages, ages[age.min(5)]);
            self.one_of(group, "moves since", &ages, ages[age.min(5)]);
            if first.0 == second.0 && number > 0 {
                self.count(group, "asked about who moved twice", about == first.0);
            }
            self.count(group, "asked again", before.replace(about) == Some(about));
        }
    }

    /// Answers and replies: rates of a regime and a policy in `group`, the words by regime, the
    /// wrong places by policy.
    pub(crate) fn add_answers(&mut self, group: &str, story: &Story) {
        let (policy, regime) = group.split_once(' ').expect("a policy and a regime");
        for (turn, facts) in turns(story) {
            let right = facts[asked(turn)].0;
            self.count(group, "right", turn.answer == right);
            self.count(group, "without reply", turn.reply.is_none());
            if turn.answer != right {
                let at = |place: &str| PLACES.iter().position(|p| *p == place).expect("a place");
                let shift = (at(&turn.answer) + PLACES.len() - at(right)) % PLACES.len();
                self.one_of(policy, "wrong by", &["1", "2", "3", "4", "5"], &shift.to_string());
            }
            let Some(reply) = &turn.reply else { continue };
            if turn.answer == right {
                self.one_of(regime, "praise", &POSITIVE, &reply.text);
                self.count(group, "rewarded", reply.reward);
            } else if NEGATIVE.contains(&reply.text.as_str()) {
                self.one_of(regime, "blame", &NEGATIVE, &reply.text);
            } else if reply.text.contains("they are") {
                self.count(group, "almost", reply.text.starts_with("Almost"));
            }
        }
    }

    /// `GROUP TAB NAME TAB HITS TAB TRIALS` lines.
    pub(crate) fn table(&self) -> String {
        let line = |((group, name), (hits, trials)): (&(String, String), &(u64, u64))| {
            format!("{group}\t{name}\t{hits}\t{trials}\n")
        };
        self.0.iter().map(line).collect()
    }

    pub(crate) fn parse(table: &str) -> Self {
        let entry = |line: &str| {
            let columns: Vec<_> = line.split('\t').collect();
            let [group, name, hits, trials] = columns[..] else { panic!("{line:?}") };
            let number = |text: &str| text.parse().expect("a count");
            ((group.to_owned(), name.to_owned()), (number(hits), number(trials)))
        };
        Self(table.lines().map(entry).collect())
    }

    /// What differs from `other` by more than chance allows.
    ///
    /// Two rates of one binomial differ by more than 4.5 of their standard deviations once in
    /// 150,000 comparisons. What never or always happens in both differs by nothing.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let names: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let different = |name: &&&(String, String)| match (self.0.get(*name), other.0.get(*name)) {
            (Some(&one), Some(&two)) => !alike(one, two),
            _ => true,
        };
        let line = |name| format!("{name:?}: {:?} and {:?}", self.0.get(name), other.0.get(name));
        names.iter().filter(different).map(|name| line(*name)).collect()
    }
}

fn alike((hits, trials): (u64, u64), (other_hits, other_trials): (u64, u64)) -> bool {
    let (n, m) = (trials as f64, other_trials as f64);
    let (p, q) = (hits as f64 / n, other_hits as f64 / m);
    let pooled = (hits + other_hits) as f64 / (n + m);
    let deviation = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    (p - q).abs() <= 4.5 * deviation
}

#[test]
fn the_bound_is_four_and_a_half_standard_deviations() {
    // At p = 1/2 with 10,000 trials each, the deviation of the difference is 0.00707.
    assert!(alike((5_159, 10_000), (4_841, 10_000)));
    assert!(!alike((5_160, 10_000), (4_840, 10_000)));
    assert!(alike((0, 50), (0, 10_000)));
    assert!(alike((50, 50), (100, 100)));
    assert!(!alike((0, 500), (500, 10_000)));
}

/// The lines of `stories` with actors, verbs, places and areas masked, and without numbers.
pub(crate) fn forms(stories: &[Story]) -> BTreeSet<String> {
    let mask = |line: &str| {
        let mut line = line.split_once(' ').expect("a number").1.to_owned();
        for (words, name) in [(&ACTORS[..], "ACTOR"), (&VERBS, "VERB"), (&PLACES, "PLACE")] {
            words.iter().for_each(|word| line = line.replace(word, name));
        }
        for place in PLACES {
            line = line.replace(area(place).expect("an area"), "AREA");
        }
        line
    };
    write(stories).lines().map(mask).collect()
}

/// Asserts what is true of every turn of a regime, whatever the chances.
pub(crate) fn assert_follows(regime: Regime, story: &Story) {
    assert_eq!(story.turns.len(), 5);
    for (turn, facts) in turns(story) {
        let (right, fact) = facts[asked(turn)];
        let Some(reply) = &turn.reply else {
            assert!(matches!(regime, Regime::ImitatingExpert | Regime::ImitationMixture));
            assert!(turn.question_reward && turn.answer == right, "{turn:?}");
            continue;
        };
        assert!(!turn.question_reward);
        if turn.answer == right {
            assert!(POSITIVE.contains(&reply.text.as_str()) && reply.request.is_none());
            continue;
        }
        assert!(!reply.reward);
        assert_eq!(explained(regime, reply, &turn.answer, right, fact), None, "{turn:?}");
    }
}

/// The text that a wrong answer should have been told, where it was told another one.
fn explained(
    regime: Regime,
    reply: &Reply,
    answer: &str,
    right: &str,
    fact: &str,
) -> Option<String> {
    let hint = if area(answer) == area(right) { "Almost" } else { "No" };
    let wanted = match regime {
        Regime::AnswersSupplied | Regime::PartialRewards | Regime::NoFeedback => {
            format!("No, the answer is {right}.")
        }
        Regime::Hints => format!("{hint}, they are {}.", area(right).expect("an area")),
        Regime::SupportingFacts => format!("No, because {fact}"),
        Regime::AskForAnswer => right.to_owned(),
        Regime::AskForSupportingFact => format!("A relevant fact is {fact}"),
        _ => reply.text.clone(),
    };
    let found = match (&reply.request, regime) {
        (Some(request), Regime::AskForAnswer | Regime::AskForSupportingFact) => &request.help,
        (None, Regime::AskForAnswer | Regime::AskForSupportingFact) => return Some(wanted),
        (Some(request), _) => &request.text,
        (None, _) => &reply.text,
    };
    (wanted != *found).then_some(wanted)
}
