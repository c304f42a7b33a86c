//! Names that nothing has are mistakes of the plan, with their place and the nearest name.

use orchestrator::plan::Only;

use crate::toy::{load, mistakes, warnings};

const TOY: &str = "name: x\nexperiment: toy\n";
const OPEN: &str = "name: x\nexperiment: open\n";

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = "name: x\nexperiment: toy\nparms: {}\nparams:\n  learning_rat: 0.1\n  learner: rbbi\n  net: { widht: 3, layers: 300 }\n  sizes: [1, x]\n\
                sweep:\n  grid: { net.width: wide, net.layers: [] }\n  seeds: 0\n  exclude: 3\n\
                resources: { memory: 12, thread: 1 }\nsearch: { metric: los, first: 0, rungs: 99 }\n\
                table: [{ row: a, value: 3 }, { published: ../x, value: loss }]\n";
    assert_eq!(
        mistakes(text, &["sweep.seeds=none", "nothing"]),
        [
            "c.yaml:3:1: parms: unknown key `parms`; did you mean `params`?",
            "c.yaml:5:3: params.learning_rat: unknown key `learning_rat`; did you mean `learning_rate`?",
            "c.yaml:6:12: params.learner: unknown value \"rbbi\"; did you mean `rbi`?",
            "c.yaml:7:10: params.net.widht: unknown key `widht`; did you mean `width`?",
            "c.yaml:7:28: params.net.layers: wanted a whole number from 0 to 255, found 300",
            "c.yaml:8:14: params.sizes.[1]: wanted a whole number from 0 to 4294967295, found \"x\"",
            "c.yaml:10:22: sweep.grid.\"net.width\": wanted a list of values, found \"wide\"",
            "c.yaml:10:40: sweep.grid.\"net.layers\": wanted at least one value, found none",
            "c.yaml:12:12: sweep.exclude: wanted a list of maps from parameters to values, found 3",
            "c.yaml:13:22: resources.memory: wanted a size above 0 such as 512MiB or 2GiB, found 12",
            "c.yaml:13:26: resources.thread: unknown key `thread`; did you mean `threads`?",
            "c.yaml:14:19: search.metric: no run records `los` by step; did you mean `loss`?",
            "c.yaml:14:31: search.first: wanted a whole number from 1 to 1000000000, found 0",
            "c.yaml:14:41: search.rungs: wanted a whole number from 1 to 30, found 99",
            "c.yaml:15:11: table.[0].row: unknown key `row`; did you mean `rows`?",
            "c.yaml:15:26: table.[0].value: wanted a name or a list of names, found 3",
            "c.yaml:15:44: table.[1].published: wanted the name of a published table, such as dialog/babi, found \"../x\"",
            "argument `-s nothing`: wanted PATH=VALUE, or ~PATH to remove something, found no `=`",
            "argument `-s sweep.seeds=none`: sweep.seeds: wanted a whole number of seeds from 1 to 1000000, or a list of seeds, found \"none\"",
        ]
    );
}

#[test]
fn every_wrong_value_of_a_sweep_is_told_once() {
    let text = format!(
        "{TOY}sweep:\n  grid: {{ learning_rate: [-1, 0.1, fast, -2], net.width: [1, 2, 3], net.layers: [1, 999] }}\n"
    );
    assert_eq!(
        mistakes(&text, &[]),
        [
            "c.yaml:4:27: params.learning_rate: wanted a number above 0, found -1",
            "c.yaml:4:36: params.learning_rate: wanted a number, found \"fast\"",
            "c.yaml:4:42: params.learning_rate: wanted a number above 0, found -2",
            "c.yaml:4:85: params.net.layers: wanted a whole number from 0 to 255, found 999",
        ]
    );
}

#[test]
fn exclude_and_when_name_parameters_of_some_point() {
    let text = format!(
        "{TOY}sweep:\n  grid: {{ learner: [rbi, imitation] }}\n  exclude: [{{ lerner: rbi }}, {{ seed: 1 }}, {{ net.width: 16, learner: rbi }}]\n  \
         when: [{{ if: learner == rbi or net.widht > 3, grid: {{ sizes: [[1]] }} }}]\n"
    );
    assert_eq!(
        mistakes(&text, &[]),
        [
            "c.yaml:5:15: sweep.exclude: no point has a parameter `lerner`; did you mean `learner`?",
            "c.yaml:5:32: sweep.exclude: seeds are no parameters; `seeds` lists those that are to run",
            "c.yaml:6:34: sweep.when.if: column 19 of the condition: nothing is called `net.widht`; did you mean `net.width`?",
        ]
    );
    // What only some points have is known; a name may be the end of a path.
    let text = format!(
        "{OPEN}sweep:\n  grid: {{ values.opt: [sgd, adam] }}\n  when:\n    \
         - {{ if: opt == adam, grid: {{ values.beta: [0.9, 0.99] }} }}\n    \
         - {{ if: values.beta > 0.9, grid: {{ values.extra: [1, 2] }} }}\n  exclude: [{{ extra: 2 }}]\n"
    );
    assert_eq!(load(&text, &[]).unwrap().1.runs.len(), 3);
    assert_eq!(warnings(&text, &[]), [""; 0]);
}

#[test]
fn what_never_holds_is_a_warning() {
    let text = format!(
        "{TOY}sweep:\n  grid: {{ learner: [rbi] }}\n  exclude: [{{ learner: rbbi }}]\n  \
         when: {{ if: learner == imitaton, grid: {{ sizes: [[1]] }} }}\n"
    );
    assert_eq!(
        warnings(&text, &[]),
        [
            "c.yaml:5:15: sweep.exclude: no point has these values, so nothing is left out",
            "c.yaml:6:15: sweep.when.if: the condition holds at no point, so its parameters vary nowhere",
        ]
        .into_iter()
        .rev()
        .collect::<Vec<_>>()
    );
}

#[test]
fn tables_name_parameters_and_metrics_of_the_plan() {
    let table = |head: &str, table: &str| mistakes(&format!("{head}table: {table}\n"), &[]);
    for fine in [
        "{ rows: learner, columns: [net.width, params.net.layers], value: loss }",
        "{ rows: seed, value: final.loss, published: dialog/babi }",
        "{ value: seconds }",
        "[{ rows: width, value: loss }, { value: loss }]",
    ] {
        assert_eq!(table(TOY, fine), [""; 0], "{fine}");
    }
    assert_eq!(
        table(TOY, "{ rows: lerner, columns: [net, widht], value: los, published: babi }"),
        [
            "c.yaml:3:16: table.rows: no run has a parameter `lerner`; did you mean `learner`?",
            "c.yaml:3:34: table.columns: no run has a parameter `net`; did you mean `net.layers`?",
            "c.yaml:3:39: table.columns: no run has a parameter `widht`; did you mean `net.width`?",
            "c.yaml:3:54: table.value: no run reports `los`; did you mean `loss`?",
            "c.yaml:3:70: table.published: wanted the name of a published table, such as dialog/babi, found \"babi\"",
        ]
    );
    let head = format!(
        "{OPEN}params: {{ values: {{ lr: 0.1 }}, metrics: [loss] }}\nsweep: {{ grid: {{ values.lr: [0.1, 0.2] }} }}\n"
    );
    assert_eq!(
        table(&head, "{ rows: values.learning_rate, value: anything }"),
        [
            "c.yaml:5:16: table.rows: no run has a parameter `values.learning_rate`; wanted one of files, metrics, patience, values.lr, seed"
        ]
    );
    assert_eq!(
        table(&head, "{ rows: lr, value: patience }"),
        [
            "c.yaml:5:27: table.value: `patience` is a parameter; `final.patience` is a metric of that name",
        ]
    );
    let near = format!(
        "{head}table: {{ value: los }}\nsearch: {{ metric: lossy, goal: lower, first: 1, rungs: 2 }}\n"
    );
    assert_eq!(
        warnings(&near, &[]),
        [
            "c.yaml:6:19: search.metric: nothing declares `lossy`; did you mean `loss`?",
            "c.yaml:5:17: table.value: nothing declares `los`; did you mean `loss`?",
        ]
    );
}

#[test]
fn a_search_compares_by_a_metric_that_runs_record_by_step() {
    let search =
        |search: &str| load(&format!("{TOY}search: {search}\n"), &[]).unwrap().1.search.unwrap();
    assert_eq!(search("{ first: 1, rungs: 2 }").metric, "loss");
    let named = search("{ metric: gradient_norm, goal: higher, first: 1, rungs: 2 }");
    assert_eq!(named.metric, "gradient_norm");
    let without = format!("{TOY}search: {{ metric: gradient_norm, first: 1, rungs: 2 }}\n");
    assert_eq!(
        mistakes(&without, &[]),
        ["c.yaml:3:9: search: key `goal` is missing: no direction of \"gradient_norm\" is known"]
    );
}

#[test]
fn a_condition_of_the_command_line_names_what_some_run_has() {
    let text = format!(
        "{OPEN}params: {{ values: {{ a: 1 }} }}\nsweep: [{{ grid: {{ values.b: [1, 2] }} }}, {{ grid: {{ values.c: [1] }} }}]\n"
    );
    let (_, plan) = load(&text, &[]).unwrap();
    let only = |text: &str| plan.clone().only(&Only::parse(text).unwrap());
    assert_eq!(only("values.b == 1").unwrap().runs.len(), 1);
    assert_eq!(only("b != 1 and values.a == 1").unwrap().runs.len(), 2);
    assert_eq!(only("a == 2").unwrap().runs.len(), 0);
    let unknown = only("seed == 0 or values.bb == 1").unwrap_err().to_string();
    assert!(
        unknown.ends_with("column 14: nothing is called `values.bb`; did you mean `values.b`?"),
        "{unknown}"
    );
}

#[test]
fn a_missing_file_is_said_once_and_a_data_set_may_come_later() {
    let text = format!("{OPEN}params: {{ files: [here.py, ./gone.py] }}\nsweep: {{ seeds: 3 }}\n");
    assert_eq!(mistakes(&text, &[]), ["c.yaml:3:28: params.files.[1]: there is no such file"]);
    let text = format!("{TOY}sweep: {{ grid: {{ data: [known, released] }}, seeds: 3 }}\n");
    let (_, plan) = load(&text, &[]).unwrap();
    assert_eq!(plan.runs.len(), 3);
    assert_eq!(plan.awaiting.len(), 3);
    assert!(plan.awaiting.iter().all(|awaited| awaited.data == "released"));
    let only = plan.only(&Only::parse("data == released and seed == 1").unwrap()).unwrap();
    assert_eq!((only.runs.len(), only.awaiting.len()), (0, 1));
    let text = format!("{TOY}sweep: {{ grid: {{ data: [knwon] }} }}\n");
    assert_eq!(
        mistakes(&text, &[]),
        [
            "c.yaml:3:25: params.data: wanted a known data set, found \"knwon\"; did you mean `known`?"
        ]
    );
}
