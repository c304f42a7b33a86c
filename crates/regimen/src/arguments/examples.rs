//! Examples below the help of each command.

use clap::builder::StyledStr;

use crate::terminal::{OURS, program};

/// Commands as somebody types them, a line each.
pub(super) struct Examples(&'static str);

impl From<Examples> for StyledStr {
    fn from(Examples(lines): Examples) -> Self {
        lines.replace(OURS, program()).into()
    }
}

macro_rules! examples {
    ($($name:ident: $($line:literal)+;)+) => {
        $(pub(super) const $name: Examples = Examples(concat!("Examples:", $("\n  ", $line),+));)+
    };
}

examples! {
    INIT:
        "regimen init demo && cd demo && regimen run configs/demo.yaml"
        "regimen init tools/sweep --command";
    RUN:
        "regimen run configs/quickstart.yaml"
        "regimen run configs/*.yaml -j 4 --report report.html"
        "regimen run configs/quickstart.yaml -s params.epochs=20 --only 'regime == 2'"
        "regimen run train.yaml --gpus 0,1 --on-finish 'mail -s done me@example.org'";
    PLAN:
        "regimen plan configs/*.yaml"
        "regimen plan configs/quickstart.yaml --only 'seed == 0' --format json";
    SHOW:
        "regimen show configs/quickstart.yaml > whole.yaml";
    STATUS:
        "regimen status --watch"
        "regimen status configs/quickstart.yaml";
    LIST:
        "regimen list --only 'state == failed or loss > 2' --sort -seconds"
        "regimen list --only 'best in tags' --columns run,learning_rate,test_accuracy"
        "regimen list --format json";
    DIFF:
        "regimen diff 3f2a 9c01";
    TAG:
        "regimen tag 3f2a 9c01 best"
        "regimen tag --only 'loss < 0.1' best"
        "regimen tag --remove 3f2a best";
    NOTE:
        "regimen note 3f2a 'the run of figure 2'";
    REMOVE:
        "regimen remove --only 'replaced == true' --dry-run"
        "regimen remove 3f2a 9c01";
    GC:
        "regimen gc --dry-run";
    LOGS:
        "regimen logs 3f2a -f";
    CANCEL:
        "regimen cancel quickstart";
    DOCTOR:
        "regimen doctor"
        "regimen doctor --cluster lab";
    COMPACT:
        "regimen compact --results results";
    COMPARE:
        "regimen compare configs/quickstart.yaml --against published"
        "regimen compare descent --rows function --columns learning_rate --format csv"
        "regimen compare --results results --against other/results --exact";
    REPORT:
        "regimen report configs/quickstart.yaml -o report.html";
    EXPERIMENTS:
        "regimen experiments --format json";
    SCHEMA:
        "regimen schema dialog > dialog.schema.json"
        "regimen schema --config > configs/schema.json";
    DATASETS:
        "regimen datasets list"
        "regimen datasets fetch babi1-dialog"
        "regimen datasets path vgg16";
    COMPLETIONS:
        "regimen completions bash > ~/.local/share/bash-completion/completions/regimen"
        "regimen completions fish > ~/.config/fish/completions/regimen.fish";
    MAN:
        "regimen man ~/.local/share/man/man1 && man regimen-run";
}
