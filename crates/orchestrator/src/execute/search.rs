//! Which trials of a search go on: values in, promotions out. Reads no clock and no file.

use std::collections::HashMap;

use experiment::{Better, RunId};
use journal::RunSpec;

use super::protocol::Pause;
use crate::config::Search as Policy;

/// Index of a trial: the runs of one point of the sweep, one a seed.
type Trial = usize;

/// A search under way.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    policy: &'a Policy,
    trials: Vec<Vec<RunId>>,
    runs: HashMap<RunId, Climber>,
    rungs: Vec<Rung>,
}

/// How far a run is.
#[derive(Debug)]
struct Climber {
    trial: Trial,
    /// Its value at each rung it came to.
    values: Vec<f64>,
    /// Whether it waits at the last of them.
    resting: bool,
    /// Whether it comes to no further rung, because it ended or cannot be attempted.
    over: bool,
}

#[derive(Debug)]
struct Rung {
    /// Trials that came here, best first: the mean of their runs' values, smaller being better,
    /// and among equals the earlier trial.
    ranking: Vec<(f64, Trial)>,
    promoted: Vec<bool>,
    /// The trials before this one came here, or never will.
    open: usize,
}

impl<'a> Search<'a> {
    /// The beginning: nobody ran.
    pub(crate) fn new(policy: &'a Policy, runs: &[RunSpec]) -> Self {
        let (mut trials, mut points) = (Vec::<Vec<RunId>>::new(), HashMap::new());
        let mut climbers = HashMap::new();
        for spec in runs {
            let trial = *points.entry((&spec.experiment, &spec.params)).or_insert_with(|| {
                trials.push(Vec::new());
                trials.len() - 1
            });
            let climber = Climber { trial, values: Vec::new(), resting: false, over: false };
            if climbers.insert(spec.run, climber).is_none() {
                trials[trial].push(spec.run);
            }
        }
        let rung = || Rung { ranking: Vec::new(), promoted: vec![false; trials.len()], open: 0 };
        let rungs = (0..policy.rungs).map(|_| rung()).collect();
        Self { policy, trials, runs: climbers, rungs }
    }

    /// Where a run has to pause next.
    pub(crate) fn pause(&self, run: RunId) -> Option<Pause> {
        let step = self.policy.step(self.runs.get(&run)?.values.len())?;
        Some(Pause { metric: self.policy.metric.clone(), step })
    }

    /// A run went on from where it rested.
    pub(crate) fn began(&mut self, run: RunId) {
        let Some(climber) = self.runs.get_mut(&run) else { return };
        climber.resting = false;
        if let Some(rung) = climber.values.len().checked_sub(1) {
            self.rungs[rung].promoted[climber.trial] = true;
        }
    }

    /// A run rests at the rung it came to last.
    pub(crate) fn rests(&mut self, run: RunId) {
        if let Some(climber) = self.runs.get_mut(&run) {
            climber.resting = true;
        }
    }

    /// A run ended or cannot be attempted: it comes to no further rung.
    pub(crate) fn ends(&mut self, run: RunId) {
        if let Some(climber) = self.runs.get_mut(&run) {
            climber.over = true;
        }
    }

    /// Whether a run ended or cannot be attempted.
    pub(crate) fn is_over(&self, run: RunId) -> bool {
        self.runs.get(&run).is_some_and(|climber| climber.over)
    }

    /// A run recorded a value of the metric; steps come in order.
    pub(crate) fn record(&mut self, run: RunId, step: u64, value: f64) {
        let Some(climber) = self.runs.get_mut(&run) else { return };
        let trial = climber.trial;
        let before = climber.values.len();
        while self.policy.step(climber.values.len()).is_some_and(|rung| rung <= step) {
            climber.values.push(value);
        }
        for rung in before..climber.values.len() {
            self.rank(rung, trial);
        }
    }

    /// Ranks a trial at a rung, once all its runs came there.
    fn rank(&mut self, rung: usize, trial: Trial) {
        let members = &self.trials[trial];
        let values = members.iter().map(|run| self.runs[run].values.get(rung));
        let Some(sum) = values.sum::<Option<f64>>() else { return };
        let mean = sum / members.len() as f64;
        let key = match self.policy.goal {
            Better::Higher => -mean,
            Better::Lower => mean,
        };
        let ranking = &mut self.rungs[rung].ranking;
        let order = |a: &(f64, Trial)| a.0.total_cmp(&key).then(a.1.cmp(&trial));
        let at = ranking.binary_search_by(order).unwrap_or_else(|at| at);
        ranking.insert(at, (key, trial));
    }

    /// Promotes the best ⌊n/η⌋ of the n trials of each rung; the runs of those newly promoted. Unless the
    /// search is asynchronous, nobody is promoted before the rung is complete, so that it depends on the
    /// values alone who is.
    pub(crate) fn promote(&mut self) -> Vec<RunId> {
        let mut promoted = Vec::new();
        for at in 0..self.rungs.len() {
            if !self.policy.asynchronous && !self.is_complete(at) {
                break;
            }
            let rung = &mut self.rungs[at];
            let best = rung.ranking.len() / self.policy.factor as usize;
            for (_, trial) in &rung.ranking[..best] {
                if !std::mem::replace(&mut rung.promoted[*trial], true) {
                    promoted.extend(&self.trials[*trial]);
                }
            }
        }
        promoted
    }

    /// Whether every trial came to a rung that can, given that those before it are complete.
    fn is_complete(&mut self, at: usize) -> bool {
        let is_settled = |trial: Trial| {
            let comes = at == 0 || self.rungs[at - 1].promoted[trial];
            let is_here = |run: &RunId| self.runs[run].over || self.runs[run].values.len() > at;
            !comes || self.trials[trial].iter().all(is_here)
        };
        // Of the first rung nobody is expected later who was not at first.
        let from = if at == 0 { self.rungs[at].open } else { 0 };
        let open = (from..self.trials.len()).find(|trial| !is_settled(*trial));
        self.rungs[at].open = open.unwrap_or(self.trials.len());
        open.is_none()
    }

    /// Whether a run may be executed as things stand.
    pub(crate) fn goes_on(&self, run: RunId) -> bool {
        let Some(climber) = self.runs.get(&run).filter(|climber| climber.resting) else {
            return true;
        };
        let rung = climber.values.len().checked_sub(1);
        rung.is_none_or(|rung| self.rungs[rung].promoted[climber.trial])
    }

    /// Where nothing else goes on and no trial came to its end: the best trial of the highest rung,
    /// so that a search with fewer trials than η ends with a result.
    pub(crate) fn last_resort(&mut self) -> Vec<RunId> {
        for rung in self.rungs.iter_mut().rev() {
            let rests = |(_, trial): &&(f64, Trial)| {
                !rung.promoted[*trial] && self.trials[*trial].iter().all(|r| self.runs[r].resting)
            };
            if let Some(&(_, trial)) = rung.ranking.iter().find(rests) {
                rung.promoted[trial] = true;
                return self.trials[trial].clone();
            }
        }
        Vec::new()
    }

    /// The runs of each trial.
    pub(crate) fn trials(&self) -> &[Vec<RunId>] {
        &self.trials
    }
}

#[cfg(test)]
mod tests {
    use experiment::{Device, SpecId};
    use proptest::prelude::*;

    use super::*;

    fn policy(goal: Better, factor: u64) -> Policy {
        Policy { metric: "m".into(), goal, first: 2, factor, rungs: 3, asynchronous: true }
    }

    /// The run of a trial and seed.
    fn run(trial: usize, seed: u64) -> RunSpec {
        let name = format!("{trial} {seed}");
        RunSpec {
            run: RunId::of(&name),
            spec: SpecId::of(&name),
            experiment: "toy".into(),
            experiment_version: 1,
            params: trial.to_string(),
            seed,
            sweep: "s".into(),
            device: Device::Cpu,
            threads: 1,
            engine: None,
            data: Default::default(),
            needs: Default::default(),
        }
    }

    fn rest(search: &mut Search<'_>, run: &RunSpec, step: u64, value: f64) -> Vec<RunId> {
        search.record(run.run, step, value);
        search.rests(run.run);
        search.promote()
    }

    #[test]
    fn one_trial_in_three_goes_on_as_soon_as_three_are_there() {
        let policy = policy(Better::Higher, 3);
        let runs: Vec<_> = (0..6).map(|trial| run(trial, 0)).collect();
        let mut search = Search::new(&policy, &runs);
        assert_eq!(search.pause(runs[0].run), Some(Pause { metric: "m".into(), step: 2 }));
        assert_eq!(rest(&mut search, &runs[0], 2, 0.5), []);
        assert_eq!(rest(&mut search, &runs[1], 2, 0.7), []);
        assert_eq!(rest(&mut search, &runs[2], 2, 0.6), [runs[1].run]);
        // The best of six by now, which makes two; the first promotion stays.
        assert_eq!(rest(&mut search, &runs[3], 2, 0.9), [runs[3].run]);
        assert_eq!(rest(&mut search, &runs[4], 3, 0.8), []);
        assert_eq!(rest(&mut search, &runs[5], 2, 0.1), [runs[4].run]);
        search.began(runs[3].run);
        assert_eq!(search.pause(runs[3].run), Some(Pause { metric: "m".into(), step: 6 }));
        assert!(search.goes_on(runs[3].run) && search.goes_on(runs[1].run));
        assert!(!search.goes_on(runs[0].run));
    }

    #[test]
    fn seeds_of_a_point_go_on_together_by_their_mean() {
        let policy = policy(Better::Lower, 2);
        let runs: Vec<_> = (0..4).map(|n| run(n / 2, n as u64 % 2)).collect();
        let mut search = Search::new(&policy, &runs);
        assert_eq!(rest(&mut search, &runs[0], 2, 0.0), []);
        assert_eq!(rest(&mut search, &runs[2], 2, 4.0), []);
        assert_eq!(rest(&mut search, &runs[1], 2, 9.0), []);
        assert_eq!(rest(&mut search, &runs[3], 2, 4.0), [runs[2].run, runs[3].run]);
    }

    #[test]
    fn a_value_counts_for_every_rung_it_is_past_and_none_lies_beyond_the_last() {
        let policy = policy(Better::Lower, 3);
        let runs = [run(0, 0)];
        let mut search = Search::new(&policy, &runs);
        search.record(runs[0].run, 7, 1.0);
        assert_eq!(search.pause(runs[0].run).map(|pause| pause.step), Some(18));
        search.record(runs[0].run, 18, 1.0);
        assert_eq!(search.pause(runs[0].run), None);
    }

    #[test]
    fn the_best_of_too_few_goes_on_and_after_it_the_next() {
        let policy = policy(Better::Lower, 4);
        let runs: Vec<_> = (0..2).map(|trial| run(trial, 0)).collect();
        let mut search = Search::new(&policy, &runs);
        assert_eq!(rest(&mut search, &runs[0], 2, 2.0), []);
        assert_eq!(rest(&mut search, &runs[1], 2, 1.0), []);
        assert_eq!(search.last_resort(), [runs[1].run]);
        search.began(runs[1].run);
        assert_eq!(search.last_resort(), [runs[0].run]);
        search.began(runs[0].run);
        assert_eq!(search.last_resort(), []);
    }

    #[test]
    fn a_rung_waits_for_all_that_can_come_to_it() {
        let policy = Policy { asynchronous: false, ..policy(Better::Higher, 2) };
        let runs: Vec<_> = (0..5).map(|trial| run(trial, 0)).collect();
        let mut search = Search::new(&policy, &runs);
        for (at, value) in [0.5, 0.9, 0.7].into_iter().enumerate() {
            assert_eq!(rest(&mut search, &runs[at], 2, value), []);
        }
        // It fails, so that two of four go on when the last one is there; of equals the earlier.
        search.ends(runs[3].run);
        assert_eq!(search.promote(), []);
        assert_eq!(rest(&mut search, &runs[4], 2, 0.7), [runs[1].run, runs[2].run]);
        search.began(runs[2].run);
        assert_eq!(rest(&mut search, &runs[2], 6, 0.1), []);
        search.began(runs[1].run);
        assert_eq!(rest(&mut search, &runs[1], 6, 0.2), [runs[1].run]);
    }

    proptest! {
        /// Whatever the order, the same trials come to the same rungs.
        #[test]
        fn who_goes_on_does_not_depend_on_the_order(
            values in prop::collection::vec(prop::collection::vec(0_u8..4, 3), 1..30),
            fails in prop::collection::vec(0_usize..12, 30),
            order in prop::collection::vec(any::<prop::sample::Index>(), 300),
            factor in 2_u64..5,
        ) {
            let policy = Policy { asynchronous: false, ..policy(Better::Lower, factor) };
            let runs: Vec<_> = (0..values.len()).map(|trial| run(trial, 0)).collect();
            let climb = |order: &[prop::sample::Index]| {
                let mut search = Search::new(&policy, &runs);
                let mut height = vec![0; runs.len()];
                let mut over = vec![false; runs.len()];
                let mut order = order.iter();
                loop {
                    let open = |&at: &usize| {
                        height[at] < 3 && !over[at] && search.goes_on(runs[at].run)
                    };
                    let ready: Vec<usize> = (0..runs.len()).filter(open).collect();
                    if ready.is_empty() {
                        return (height, over);
                    }
                    let at = order.next().map_or(ready[0], |index| *index.get(&ready));
                    search.began(runs[at].run);
                    if fails[at] == height[at] {
                        over[at] = true;
                        search.ends(runs[at].run);
                        search.promote();
                    } else {
                        let step = policy.step(height[at]).unwrap();
                        rest(&mut search, &runs[at], step, f64::from(values[at][height[at]]));
                        height[at] += 1;
                    }
                }
            };
            prop_assert_eq!(climb(&order), climb(&[]));
        }

        /// In whatever order values come, those of each rung that are among its best one in η
        /// when all is over were promoted, and nobody passed a rung without it.
        #[test]
        fn the_best_of_every_rung_go_on(
            values in prop::collection::vec(prop::collection::vec(0_u8..20, 3), 1..40),
            order in prop::collection::vec(any::<prop::sample::Index>(), 200),
            factor in 2_u64..5,
        ) {
            let policy = policy(Better::Lower, factor);
            let runs: Vec<_> = (0..values.len()).map(|trial| run(trial, 0)).collect();
            let mut search = Search::new(&policy, &runs);
            let mut height = vec![0; runs.len()];
            let climb = |search: &mut Search<'_>, height: &mut Vec<usize>, at: usize| {
                let step = policy.step(height[at]).unwrap();
                search.began(runs[at].run);
                rest(search, &runs[at], step, f64::from(values[at][height[at]]));
                height[at] += 1;
            };
            let ready = |search: &Search<'_>, height: &[usize]| -> Vec<usize> {
                let open = |&at: &usize| height[at] < 3 && search.goes_on(runs[at].run);
                (0..runs.len()).filter(open).collect()
            };
            for index in order {
                let ready = ready(&search, &height);
                if ready.is_empty() {
                    break;
                }
                climb(&mut search, &mut height, *index.get(&ready));
            }
            while let Some(&at) = ready(&search, &height).first() {
                climb(&mut search, &mut height, at);
            }
            for rung in [0, 1] {
                let mut here: Vec<_> = (0..runs.len()).filter(|at| height[*at] > rung).collect();
                here.sort_by_key(|at| (values[*at][rung], *at));
                let best = here.len() / factor as usize;
                prop_assert!(here[..best].iter().all(|at| height[*at] > rung + 1));
            }
        }
    }
}
