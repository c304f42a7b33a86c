//! `regimen completions` and `regimen man`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::skipped::skipped;
use super::{assert_code, regimen, stderr, stdout};

/// What a shell offers for `regimen sta`: a script for the shell, which gets the file of completions and
/// the folder of the binary.
const SHELLS: [(&str, &[&str], &str); 3] = [
    (
        "bash",
        &["-c"],
        "source \"$1\"; COMP_WORDS=(regimen sta); COMP_CWORD=1; _regimen regimen sta regimen; \
         echo \"${COMPREPLY[@]}\"",
    ),
    ("fish", &["--no-config", "-c"], "source $argv[2]; complete -C 'regimen sta'"),
    // Its completions need a terminal.
    (
        "zsh",
        &["-f", "-c"],
        "zmodload zsh/zpty; zpty shell zsh -f -i; \
         zpty -w shell \"PS1=; autoload -Uz compinit; compinit -u -D; path=($2 \\$path); source $1; PS1=READY\"; \
         zpty -r shell said '*READY*READY*'; sleep 0.3; zpty -w -n shell $'regimen sta\\t'; \
         zpty -r shell said '*status*' && print status; zpty -d shell",
    ),
];

#[test]
fn shells_complete_commands() {
    let dir = TempDir::new().unwrap();
    let binaries = Path::new(env!("CARGO_BIN_EXE_regimen")).parent().unwrap();
    for (shell, options, script) in SHELLS {
        let made = regimen().args(["completions", shell]).output().unwrap();
        assert_code(&made, 0);
        let completions = stdout(&made);
        for word in ["retry-failed", "transfer", "datasets", "rank-pooling"] {
            assert!(completions.contains(word), "{shell}: {word}");
        }
        let file = dir.path().join(shell);
        fs::write(&file, completions).unwrap();
        let asked = Command::new(shell)
            .args(options)
            .args([script, shell])
            .args([&*file, binaries])
            .env("HOME", dir.path())
            .output();
        let Ok(asked) = asked else {
            skipped("shells_complete_commands", &format!("no {shell}"));
            continue;
        };
        let offered = stdout(&asked);
        let offered: Vec<&str> = offered.split_whitespace().take(1).collect();
        assert_eq!(offered, ["status"], "{shell}: {}", stderr(&asked));
    }
}

#[test]
fn every_command_has_a_page() {
    let dir = TempDir::new().unwrap();
    let pages = dir.path().join("man1");
    assert_code(&regimen().arg("man").arg(&pages).output().unwrap(), 0);
    for (page, words) in [
        ("regimen.1", "Reproduce, vary and compare"),
        ("regimen-run.1", "--retry-failed"),
        ("regimen-style-transfer.1", "The photograph"),
    ] {
        let page = pages.join(page);
        assert!(page.is_file(), "{}", page.display());
        let Ok(read) =
            Command::new("mandoc").args(["-T", "utf8", "-W", "error"]).arg(&page).output()
        else {
            skipped("every_command_has_a_page", "no mandoc");
            continue;
        };
        assert_code(&read, 0);
        // A letter that is bold stands there twice, with a backspace between.
        let shown = stdout(&read);
        let mut text = String::new();
        for letter in shown.chars() {
            match letter {
                '\u{8}' => _ = text.pop(),
                letter => text.push(letter),
            }
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{}: {text}", page.display());
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
    // A program that is made of regimen has its own name.
    let dir = TempDir::new().unwrap();
    let own = dir.path().join("mine");
    symlink(env!("CARGO_BIN_EXE_regimen"), &own).unwrap();
    let help = stdout(&Command::new(&own).args(["run", "--help"]).output().unwrap());
    assert!(help.contains("Examples:\n  mine run configs/"), "{help}");
    assert!(!help.contains("regimen run"), "{help}");
    assert_code(&Command::new(&own).arg("man").arg(dir.path()).output().unwrap(), 0);
    assert!(dir.path().join("mine-run.1").is_file());
}
