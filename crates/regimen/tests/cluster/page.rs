//! What docs/cluster.md shows, carried out line by line.

use std::fs;

use super::{Bench, GATED, assert_code, stderr, stdout, wait_until};

const PAGE: &str = include_str!("../../../../docs/cluster.md");

/// Lines of the page's fenced blocks in a language, without their indentation.
fn blocks(language: &str) -> Vec<&'static str> {
    let (mut lines, mut inside) = (Vec::new(), false);
    for line in PAGE.lines().map(str::trim_end) {
        match line.trim_start().strip_prefix("```") {
            Some(opened) => inside = opened == language,
            None if inside => lines.push(line.strip_prefix("   ").unwrap_or(line)),
            None => {}
        }
    }
    lines
}

/// Does what the page says on a cluster whose profile is the page's after an edit.
pub(super) fn follow(edit: impl Fn(&str) -> String) {
    let sweep =
        GATED.replace("name: gated", "name: sweep").replace("'for i", "'echo waiting; for i");
    let bench = Bench::new(&sweep, &edit(&blocks("yaml").join("\n")));
    let go = bench.path("go");
    let (mut following, mut done) = (Vec::new(), Vec::new());
    for line in blocks("sh") {
        let command = line.split('#').next().unwrap().trim();
        let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        assert_eq!(words.remove(0), "regimen", "{line}");
        if let Some(run) = words.iter_mut().find(|word| *word == "3f2a") {
            let log = || {
                fs::read_dir(bench.store().join("logs")).ok()?.find_map(|entry| {
                    let name = entry.ok()?.file_name().into_string().ok()?;
                    name.strip_suffix(".1.log").map(str::to_owned)
                })
            };
            wait_until("a log", || log().is_some());
            *run = log().unwrap();
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = bench.regimen(&words);
        command.env("GO", &go);
        if words.iter().any(|word| ["--watch", "-f"].contains(word)) {
            use std::process::Stdio;
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            following.push((line, child));
        } else {
            let mut said = String::new();
            wait_until(line, || {
                let output = command.output().unwrap();
                assert_code(&output, 0);
                said = stdout(&output) + &stderr(&output);
                // A scheduler takes its time to begin a task.
                !line.contains("logs") || said.contains("task 0 of regimen-sweep-")
            });
            done.push((line, said));
        }
    }
    let said = |what: &str| &done.iter().find(|(line, _)| line.contains(what)).expect(what).1;
    assert!(!said("doctor").contains("bad  "), "{}", said("doctor"));
    assert!(said("--detach").contains(" on lab"), "{}", said("--detach"));
    for (line, child) in following {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        let wanted = if line.contains("logs") { "waiting" } else { "sweep" };
        assert!(stdout(&output).contains(wanted), "{line}: {}", stdout(&output));
    }
    for command in ["run sweep.yaml", "compare sweep.yaml"] {
        assert!(PAGE.contains(&format!("`regimen {command}`")), "{command}");
        fs::write(&go, "").unwrap();
        let words: Vec<&str> = command.split(' ').collect();
        assert_code(&bench.regimen(&words).env("GO", &go).output().unwrap(), 0);
    }
    assert_eq!(bench.finished(), 2);
}

#[test]
fn the_page_holds_where_the_cluster_is_this_machine() {
    follow(|profile| profile.replace("slurm", "local"));
}
