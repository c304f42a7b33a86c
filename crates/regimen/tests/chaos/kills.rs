//! SIGKILL at random moments.

use std::env;
use std::fs;
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};

use crate::sweep::{Sweep, assert_none_ran_again, assert_same};

/// Living children of a process.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let is_child = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // `pid (name) state parent ...`, and the name may hold anything.
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
        fields.next().is_some_and(|state| state != "Z")
            && fields.next().and_then(|pid| pid.parse().ok()) == Some(parent)
    };
    let pids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    pids.filter(is_child).collect()
}

pub(crate) fn send(pid: u32, signal: Signal) -> bool {
    Pid::from_raw(pid.cast_signed()).is_some_and(|pid| kill_process(pid, signal).is_ok())
}

/// Kills the driver, a worker or both; how many processes died of it.
pub(crate) fn strike(driver: &mut Child, dice: &mut StdRng) -> usize {
    let whom = dice.random_range(0..3);
    let mut killed = 0;
    if whom > 0 {
        let workers = children(driver.id());
        if !workers.is_empty() {
            let worker = workers[dice.random_range(0..workers.len())];
            killed += usize::from(send(worker, Signal::KILL));
        }
    }
    if whom != 1 && driver.try_wait().unwrap().is_none() {
        driver.kill().unwrap();
        killed += 1;
    }
    killed
}

#[test]
fn kills_at_random_moments_change_nothing() {
    eprintln!("{}", disturb(&Sweep::new(20_000)));
}

#[test]
fn kills_on_the_way_back_through_training_change_nothing() {
    eprintln!("{}", disturb(&Sweep::of_hypergradients()));
}

#[test]
fn a_search_gives_the_same_bits_whatever_the_workers_and_the_kills() {
    let sweep = Sweep::of_trials();
    let alone = sweep.path("alone");
    sweep.run(&alone, &["-j", "1"], 0);
    let three = sweep.path("three");
    sweep.run(&three, &["-j", "3"], 0);
    assert_same(&three, &alone);
    eprintln!("{}", disturb(&sweep));
    assert_same(&sweep.path("calm"), &alone);
}

/// Runs a sweep again and again, with kills, until there were enough of them; what happened.
pub(crate) fn disturb(sweep: &Sweep) -> String {
    let number = |name: &str, usual| env::var(name).map_or(usual, |text| text.parse().unwrap());
    let (wanted, seed) = (number("REGIMEN_CHAOS_KILLS", 20), number("REGIMEN_CHAOS_SEED", 1));
    let mut dice = StdRng::seed_from_u64(seed);
    let calm = sweep.path("calm");
    sweep.run(&calm, &[], 0);
    let (mut kills, mut sweeps, mut starts) = (0, 0, 0);
    while kills < wanted as usize {
        let store = sweep.path(&format!("store-{sweeps}"));
        sweeps += 1;
        let mut complete = false;
        while !complete && kills < wanted as usize {
            let mut driver = sweep.start(&store, &["--retry-failed"]);
            starts += 1;
            while driver.try_wait().unwrap().is_none() && kills < wanted as usize {
                sleep(Duration::from_millis(dice.random_range(20..700)));
                kills += strike(&mut driver, &mut dice);
            }
            if kills >= wanted as usize {
                // What is still under way is disturbed no longer, or was just killed.
                driver.kill().unwrap();
            }
            complete = driver.wait().unwrap().code() == Some(0);
        }
        // The last driver may have found workers of its own killed.
        sweep.run(&store, &["--retry-failed"], 0);
        assert_same(&store, &calm);
        assert_none_ran_again(&store);
    }
    format!("{kills} kills in {sweeps} sweeps, {starts} starts, seed {seed}: nothing lost")
}
