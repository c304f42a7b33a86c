//! Three drivers on one store, their calls interleaved at random, beside a model of who may hold
//! what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use experiment::RunId;
use proptest::prelude::*;
use tempfile::TempDir;

use super::{Chunk, Claimant, Claims, Done, Next};
use crate::execute::Disk;
use crate::execute::heartbeat::Counter;
use crate::execute::incarnation::Incarnation;
use crate::execute::lease::Lease;

const DRIVERS: usize = 3;
const PLAN: &str = "plan";
const LEASE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The clocks go on by seconds; whoever is well beats.
    Pass(u64),
    Next(usize),
    /// Publishes one of the chunks that the driver believes to hold.
    Publish(usize, usize),
    Superseded(usize),
    Become(usize, State),
    /// Dies with its heartbeat where it stands.
    Crash(usize),
    /// Ends in order.
    Leave(usize),
    /// A new driver in the place of one that is gone.
    Arrive(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Well,
    /// Works on, but its heartbeat stands still.
    Mute,
    /// Does nothing at all.
    Stopped,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let driver = 0..DRIVERS;
    let state =
        prop_oneof![2 => Just(State::Well), 1 => Just(State::Mute), 2 => Just(State::Stopped)];
    let step = prop_oneof![
        4 => (1..=LEASE.as_secs()).prop_map(Step::Pass),
        8 => driver.clone().prop_map(Step::Next),
        4 => (driver.clone(), any::<usize>()).prop_map(|(driver, which)| Step::Publish(driver, which)),
        2 => driver.clone().prop_map(Step::Superseded),
        3 => (driver.clone(), state).prop_map(|(driver, state)| Step::Become(driver, state)),
        1 => driver.clone().prop_map(Step::Crash),
        1 => driver.clone().prop_map(Step::Leave),
        2 => driver.prop_map(Step::Arrive),
    ];
    prop::collection::vec(step, 0..80)
}

/// What the model knows of a driver that ever lived.
struct Life {
    beat_at: Duration,
    left: bool,
}

struct Driver {
    life: usize,
    claims: Claims,
    counter: Counter,
    /// Its clock less that of the model: no two drivers have one clock.
    offset: Duration,
    state: State,
    /// Chunks that it believes to hold, with the attempts of its claims.
    holds: BTreeMap<Chunk, u32>,
}

struct World {
    store: TempDir,
    chunks: usize,
    now: Duration,
    lives: Vec<Life>,
    drivers: [Option<Driver>; DRIVERS],
    /// The newest claim on each chunk: attempt and life.
    claimed: BTreeMap<Chunk, (u32, usize)>,
    published: BTreeMap<Chunk, Done>,
}

/// A store in memory where there is such a thing: everything that is published is synced.
fn store() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

fn open(store: &Path, chunks: usize, driver: &str) -> Claims {
    let me = Claimant { driver: driver.into(), process: Incarnation::current() };
    Claims::open((store, Disk::default()), (PLAN, chunks), me, Lease::of(store, Some(LEASE)))
        .unwrap()
}

impl World {
    fn new(chunks: usize) -> Self {
        let mut world = Self {
            store: store(),
            chunks,
            now: Duration::ZERO,
            lives: Vec::new(),
            drivers: [None, None, None],
            claimed: BTreeMap::new(),
            published: BTreeMap::new(),
        };
        (0..DRIVERS).for_each(|place| world.arrive(place));
        world
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Pass(seconds) => self.pass(seconds),
            Step::Next(place) => self.next(place),
            Step::Publish(place, which) => self.publish(place, which),
            Step::Superseded(place) => self.superseded(place),
            Step::Become(place, state) => {
                if let Some(driver) = &mut self.drivers[place] {
                    driver.state = state;
                }
            }
            Step::Crash(place) => {
                if let Some(driver) = self.drivers[place].take() {
                    std::mem::forget(driver.counter);
                }
            }
            Step::Leave(place) => {
                if let Some(driver) = self.drivers[place].take() {
                    self.lives[driver.life].left = true;
                }
            }
            Step::Arrive(place) => self.arrive(place),
        }
    }

    fn arrive(&mut self, place: usize) {
        if self.drivers[place].is_some() {
            return;
        }
        let life = self.lives.len();
        let name = format!("driver-{life}");
        self.lives.push(Life { beat_at: self.now, left: false });
        self.drivers[place] = Some(Driver {
            life,
            counter: Counter::create(self.store.path(), &name).unwrap(),
            claims: open(self.store.path(), self.chunks, &name),
            offset: Duration::from_secs(1000 * life as u64),
            state: State::Well,
            holds: BTreeMap::new(),
        });
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        for driver in self.drivers.iter_mut().flatten().filter(|it| it.state == State::Well) {
            driver.counter.beat().unwrap();
            self.lives[driver.life].beat_at = self.now;
        }
    }

    /// Whether others may take over what a driver holds.
    fn may_lose(&self, life: usize) -> bool {
        let Life { beat_at, left } = self.lives[life];
        left || self.now - beat_at >= LEASE
    }

    /// The driver at a place, if it does anything.
    fn acting(&mut self, place: usize) -> Option<&mut Driver> {
        self.drivers[place].as_mut().filter(|driver| driver.state != State::Stopped)
    }

    fn next(&mut self, place: usize) {
        let now = self.now;
        let Some(driver) = self.acting(place) else { return };
        let (life, holds) = (driver.life, driver.holds.clone());
        match driver.claims.next(now + driver.offset).unwrap() {
            Next::Mine { chunk, attempt } => {
                driver.holds.insert(chunk, attempt);
                assert!(!self.published.contains_key(&chunk), "{chunk} is done already");
                let earlier = self.claimed.insert(chunk, (attempt, life));
                assert_eq!(attempt, earlier.map_or(1, |(attempt, _)| attempt + 1));
                if let Some((_, holder)) = earlier {
                    assert!(self.may_lose(holder), "{chunk} is held by {holder}");
                }
            }
            Next::Held => {
                for chunk in (0..self.chunks).filter(|chunk| !holds.contains_key(chunk)) {
                    let left =
                        self.claimed.get(&chunk).is_none_or(|(_, life)| self.lives[*life].left);
                    assert!(self.published.contains_key(&chunk) || !left, "{chunk} is free");
                }
            }
            Next::AllDone => {
                driver.claims.sweep_up().unwrap();
                assert_eq!(self.published.len(), self.chunks);
            }
        }
    }

    fn publish(&mut self, place: usize, which: usize) {
        let Some(driver) = self.acting(place) else { return };
        let Some((&chunk, &attempt)) = driver.holds.iter().nth(which % driver.holds.len().max(1))
        else {
            return;
        };
        driver.holds.remove(&chunk);
        // Different from everybody else's, so that a second one would show.
        let runs = BTreeMap::from([(RunId::of(&chunk.to_string()), driver.life as u32)]);
        let first = driver.claims.publish(chunk, runs.clone()).unwrap();
        let done = Done { chunk, driver: format!("driver-{}", driver.life), attempt, runs };
        assert_eq!(first, !self.published.contains_key(&chunk), "the first one counts");
        self.published.entry(chunk).or_insert(done);
    }

    fn superseded(&mut self, place: usize) {
        let swept = self.all_done().is_some();
        let newest = self.claimed.clone();
        let Some(driver) = self.acting(place) else { return };
        let lost: Vec<Chunk> = driver.claims.superseded();
        let gone =
            |(chunk, attempt): (&Chunk, &u32)| (newest[chunk].0 > *attempt).then_some(*chunk);
        let expected: Vec<Chunk> = driver.holds.iter().filter_map(gone).collect();
        // Once all is done there are no claims to lose.
        assert!(lost == expected || (swept && lost.is_empty()), "{lost:?}, not {expected:?}");
        driver.holds.retain(|chunk, _| !lost.contains(chunk));
    }

    fn all_done(&self) -> Option<Vec<Done>> {
        let text = fs::read(self.store.path().join("done").join(format!("{PLAN}.all"))).ok()?;
        Some(serde_json::from_slice(&text).unwrap())
    }

    /// What anybody reads who folds now.
    fn fold(&self) -> BTreeMap<Chunk, Done> {
        let all = self.all_done().unwrap_or_else(|| {
            let folder = self.store.path().join("done").join(PLAN);
            let files = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()));
            files.map(|text| serde_json::from_slice(&text.unwrap()).unwrap()).collect()
        });
        let count = all.len();
        let fold: BTreeMap<Chunk, Done> = all.into_iter().map(|done| (done.chunk, done)).collect();
        assert_eq!(fold.len(), count, "a chunk is done twice");
        fold
    }

    /// Everybody comes back and works on; all is done after as many rounds as it can take.
    fn finish(&mut self) {
        for place in 0..DRIVERS {
            self.arrive(place);
            self.take(Step::Become(place, State::Well));
        }
        // A lease that nobody has looked at runs out within three passes; each may hold a chunk.
        for _ in 0..self.chunks + 4 {
            self.pass(LEASE.as_secs() / 2);
            for place in 0..DRIVERS {
                self.superseded(place);
                (0..self.chunks).for_each(|_| self.publish(place, 0));
                self.next(place);
            }
        }
        for driver in self.drivers.iter_mut().flatten() {
            assert_eq!(driver.claims.next(self.now + driver.offset).unwrap(), Next::AllDone);
        }
        assert_eq!(self.published.len(), self.chunks);
        assert_eq!(self.all_done().map(|all| all.len()), Some(self.chunks));
        for folder in ["claims", "done"] {
            assert!(!self.store.path().join(folder).join(PLAN).exists(), "{folder} is swept");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_drivers_interleave_every_chunk_counts_once(chunks in 1usize..6, steps in steps()) {
        let mut world = World::new(chunks);
        for step in steps {
            world.take(step);
            assert_eq!(world.fold(), world.published, "after {step:?}");
        }
        world.finish();
        assert_eq!(world.fold(), world.published);
    }
}

#[test]
fn threads_that_race_for_chunks_share_them_out() {
    const CHUNKS: usize = 40;
    let store = store();
    let work = |driver: usize| {
        let name = format!("driver-{driver}");
        let _counter = Counter::create(store.path(), &name).unwrap();
        let mut claims = open(store.path(), CHUNKS, &name);
        let mut mine = Vec::new();
        loop {
            match claims.next(Duration::ZERO).unwrap() {
                Next::Mine { chunk, attempt } => {
                    assert_eq!(attempt, 1, "nobody let go of {chunk}");
                    assert!(claims.publish(chunk, BTreeMap::new()).unwrap(), "{chunk} is done");
                    mine.push(chunk);
                }
                Next::Held => thread::yield_now(),
                Next::AllDone => break,
            }
        }
        claims.sweep_up().unwrap();
        mine
    };
    let all: Vec<Chunk> = thread::scope(|scope| {
        let threads = [0, 1, 2].map(|driver| scope.spawn(move || work(driver)));
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(all.len(), CHUNKS);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), CHUNKS);
}

#[test]
fn a_claim_that_a_loss_of_power_emptied_is_free() {
    let store = store();
    let mut claims = open(store.path(), 1, "driver");
    fs::write(store.path().join("claims").join(PLAN).join("0.1"), "").unwrap();
    let next = claims.next(Duration::ZERO).unwrap();
    assert_eq!(next, Next::Mine { chunk: 0, attempt: 2 });
}

#[test]
fn a_list_that_a_loss_of_power_emptied_is_left_out() {
    let store = store();
    let mut claims = open(store.path(), 2, "driver");
    claims.next(Duration::ZERO).unwrap();
    assert!(claims.publish(0, BTreeMap::from([(RunId::of("a"), 3)])).unwrap());
    fs::write(store.path().join("done").join(PLAN).join("1"), "").unwrap();
    assert_eq!(claims.next(Duration::ZERO).unwrap(), Next::AllDone);
    claims.sweep_up().unwrap();
    let all: Vec<Done> = super::read(&claims.all_done(), "finished chunks").unwrap().unwrap();
    assert_eq!(all.iter().map(|done| done.chunk).collect::<Vec<_>>(), [0]);
}

/// Folders of a complete plan are gone, and the list of what is done is not seen yet.
fn sweep_unseen(store: &Path) {
    ["claims", "done"].iter().for_each(|it| fs::remove_dir_all(store.join(it).join(PLAN)).unwrap());
}

#[test]
fn claims_that_were_swept_up_before_the_list_is_seen_are_over() {
    let store = store();
    let mut claims = open(store.path(), 2, "driver");
    assert_eq!(claims.next(Duration::ZERO).unwrap(), Next::Mine { chunk: 0, attempt: 1 });
    sweep_unseen(store.path());
    assert!(!claims.publish(0, BTreeMap::new()).unwrap(), "somebody else's counts");
    assert_eq!(claims.next(Duration::ZERO).unwrap(), Next::AllDone);
    claims.sweep_up().unwrap();
    assert!(!claims.all_done().exists());
}

#[test]
fn a_claim_that_is_swept_up_as_it_is_made_is_nobodys() {
    let store = store();
    let mut claims = open(store.path(), 1, "driver");
    let place = store.path().to_owned();
    claims.disk = Disk::with(move |what, _| {
        if what == "claim" {
            sweep_unseen(&place);
        }
        Ok(())
    });
    assert_eq!(claims.next(Duration::ZERO).unwrap(), Next::Held);
    assert_eq!(claims.next(Duration::ZERO).unwrap(), Next::AllDone);
}
