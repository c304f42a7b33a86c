//! The help of commands with many options: what belongs together stands together, in 80 columns.

use super::{regimen, stdout};

#[test]
fn options_stand_in_groups() {
    for command in ["run", "plan", "compare", "report", "list"] {
        let mut ask = regimen();
        ask.args([command, "--help"]).env("COLUMNS", "80").env_remove("REGIMEN_MIRROR");
        let help = stdout(&ask.output().unwrap());
        let long: Vec<&str> = help.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{long:#?}");
        insta::assert_snapshot!(command, help);
    }
}
