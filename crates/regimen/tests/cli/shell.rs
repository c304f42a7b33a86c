//! `regimen completions` and `regimen man`.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::{assert_code, regimen, stdout};

#[test]
fn shells_read_their_completions() {
    let dir = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let made = regimen().args(["completions", shell]).output().unwrap();
        assert_code(&made, 0);
        let script = stdout(&made);
        for word in ["retry-failed", "transfer", "datasets", "rank-pooling"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        let file = dir.path().join(shell);
        fs::write(&file, script).unwrap();
        // A shell that is not there reads nothing.
        if let Ok(read) = Command::new(shell).arg("-n").arg(&file).output() {
            assert!(read.status.success(), "{shell}: {}", String::from_utf8_lossy(&read.stderr));
        }
    }
    let words = "source \"$1\"; COMP_WORDS=(regimen sta); COMP_CWORD=1; _regimen regimen sta regimen; \
                 echo \"${COMPREPLY[@]}\"";
    let completed =
        Command::new("bash").args(["-c", words, "bash"]).arg(dir.path().join("bash")).output();
    assert_eq!(stdout(&completed.unwrap()), "status\n");
}

#[test]
fn every_command_has_a_page() {
    let dir = TempDir::new().unwrap();
    let pages = dir.path().join("man1");
    assert_code(&regimen().arg("man").arg(&pages).output().unwrap(), 0);
    for (page, words) in [
        ("regimen.1", "Reproduce, vary and compare"),
        ("regimen-run.1", "retry\\-failed"),
        ("regimen-style-transfer.1", "The photograph"),
    ] {
        let text = fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(".TH") && text.contains(words), "{page}: {text}");
    }
    fs::write(dir.path().join("file"), "").unwrap();
    let refused = regimen().arg("man").arg(dir.path().join("file")).output().unwrap();
    assert_code(&refused, 2);
}

#[test]
fn the_help_of_every_command_has_examples() {
    let help = stdout(&regimen().arg("--help").output().unwrap());
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names = commands.lines().take_while(|line| !line.is_empty());
    let names = names.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let help = stdout(&regimen().args([name, "--help"]).output().unwrap());
        assert!(help.contains(&format!("Examples:\n  regimen {name}")), "{name}: {help}");
    }
}
