//! What is drawn on a terminal, by what a terminal makes of it.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tempfile::TempDir;

use super::root;

const ROWS: u16 = 24;

/// A terminal of so many columns after a command has ended: the screen, and every screen on the way
/// on which a line had wrapped.
fn show(columns: u16, variables: &[(&str, &str)], words: &[&str]) -> (vt100::Parser, Vec<String>) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&master, size).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let end = || OwnedFd::from(slave.try_clone().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_regimen"));
    for name in ["LC_ALL", "LC_CTYPE", "LANG", "COLUMNS", "NO_COLOR", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.args(words).current_dir(root()).env("TERM", "xterm").envs(variables.iter().copied());
    let mut child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
    // Only the child holds it open now, so that reading ends with the child.
    drop((command, slave));
    let mut terminal = vt100::Parser::new(ROWS, columns, 1000);
    let mut wrapped = Vec::new();
    let mut bytes = [0; 4096];
    let mut master = File::from(master);
    while let Ok(read @ 1..) = master.read(&mut bytes) {
        terminal.process(&bytes[..read]);
        if (0..ROWS).any(|row| terminal.screen().row_wrapped(row)) {
            wrapped.push(terminal.screen().contents());
        }
    }
    child.wait().unwrap();
    (terminal, wrapped)
}

/// Two sweeps of runs with long names; one run of the second fails.
fn configs(dir: &Path) -> [String; 2] {
    let config = |name: &str, text: String| {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let hills = "name: hills\nexperiment: descent\nparams: { function: rosenbrock, steps: 400000, \
                 record_every: 4000 }\nsweep: { grid: { learning_rate: [0.0001, 0.0002] }, seeds: 3 }\n";
    let program = "name: program\nexperiment: command\nparams: { program: [sh, -c, 'sleep 0.3; \
                   exit $2', sh] }\nsweep: { grid: { values.code: [0, 3], values.rather_long_name: \
                   [a value that has no end] } }\n";
    [config("hills.yaml", hills.into()), config("program.yaml", program.into())]
}

#[test]
fn progress_fits_the_terminal_and_leaves_nothing_behind() {
    for columns in [80, 40] {
        let dir = TempDir::new().unwrap();
        let [hills, program] = configs(dir.path());
        let store = dir.path().join("store");
        let words = ["run", &hills, &program, "-j", "2", "--results", store.to_str().unwrap()];
        let (terminal, wrapped) = show(columns, &[], &words);
        let text = terminal.screen().contents();
        for part in ["all  ", "left", "% "] {
            assert!(!text.contains(part), "{part:?} is left behind:\n{text}");
        }
        assert!(text.starts_with("hills: 6 runs: 6 finished, 0 failed"), "{text}");
        let joined = text.replace('\n', "");
        assert!(joined.contains("failed: ") && joined.contains("values.code=3"), "{text}");
        assert!(joined.contains("program: 2 runs: 1 finished, 1 failed"), "{text}");
        if columns == 80 {
            // A failure is longer than a line, whatever the terminal.
            assert!(wrapped.iter().all(|screen| screen.contains("failed: ")), "{wrapped:?}");
        }
    }
}

#[test]
fn a_terminal_that_only_types_gets_lines() {
    let dir = TempDir::new().unwrap();
    let [hills, _] = configs(dir.path());
    let store = dir.path().join("store");
    let words = ["run", &hills, "-j", "2", "--results", store.to_str().unwrap()];
    let (terminal, _) = show(80, &[("TERM", "dumb")], &words);
    let text = terminal.screen().contents();
    assert!(
        text.ends_with("hills: 6 runs: 6 finished, 0 failed, 0 were finished before"),
        "{text}"
    );
    let status = ["status", "--results", store.to_str().unwrap()];
    let (terminal, wrapped) = show(20, &[("LC_ALL", "C")], &status);
    assert!(wrapped.is_empty(), "{}", terminal.screen().contents());
}
