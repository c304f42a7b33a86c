//! Whole configurations with parts and values of every kind, for property tests.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use crate::written::{key, leaf, text, written};

/// A value as people write it, which says less about its type.
fn plain() -> impl Strategy<Value = String> {
    let words = [
        "012",
        "0x1F",
        "0o17",
        "0b11",
        "1_000",
        "+1",
        "-0",
        "-0.0",
        ".5",
        "5.",
        "+.5e-3",
        "1e3",
        "1E-3",
        "1e16",
        "1e400",
        "-1e-400",
        "4.9e-324",
        "0.30000000000000004",
        "1.7976931348623157e308",
        "9007199254740993",
        "18446744073709551615",
        "-9223372036854775808",
        "-.INF",
        "+.inf",
        ".NaN",
        "~",
        "Null",
        "yes",
        "no",
        "off",
        "2024-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "12:30:45",
        "190:20:30",
        "!!str 12",
        "!!str",
        "!!float 1",
        "!!int '7'",
        "!!null ''",
        "!!bool 'true'",
        "'it''s'",
        "'a\n\n  b'",
        r#""a\u2028b""#,
        r#""\N\_\x41\e""#,
        r#""\ud83e""#,
        "a b  c",
        "a#b",
        "http://x:80/y?z=1",
        "\"a\u{2028}b\u{85}c\u{feff}d\"",
        "'\u{2029}'",
        "a\u{a0}b",
        "\u{e000}",
        "[]",
        "{}",
        "[[], {}, '']",
        "{a: {b: {c: .inf}}}",
        "{'<<': 1}",
        "&a [1, 1.0, '1']",
        "{<<: [{a: 1, b: 2}, {b: 3, c: 4}], a: 5}",
        "{? [1] : 2}",
        "{a: !remove }",
        "{\"$numberDouble\": NaN}",
        "{a.b: 1, 'a': {b: 2}}",
        "- 1",
    ];
    select(words.to_vec()).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![2 => plain(), 3 => written().prop_map(|value| value.yaml())]
}

fn list(of: impl Strategy<Value = String>, most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(of, 1..=most).prop_map(|values| format!("[{}]", values.join(", ")))
}

/// A key of an axis, dotted and quoted where it has to be.
fn axis() -> impl Strategy<Value = String> {
    let quoted = |key: String| {
        let key = key.replace('\\', "\\\\").replace('"', "\\\"");
        json!(format!("values.\"{key}\"")).to_string()
    };
    let fixed = ["values.a", "params.values.b", "values.c.d", "values.'e.f'", "values.\"g\""];
    prop_oneof![3 => select(fixed.to_vec()).prop_map(str::to_owned), 1 => key().prop_map(quoted)]
}

fn distribution() -> impl Strategy<Value = String> {
    let ends = (any::<i32>(), 1i64..1000, 1e-9..1e9f64);
    let ends = ends.prop_flat_map(|(low, width, scale)| {
        let (low, high) = (i64::from(low), i64::from(low) + width);
        select(vec![
            format!("{{integer: [{low}, {high}]}}"),
            format!("{{uniform: [{low}, {high:?}.5]}}"),
            format!("{{log_uniform: [{:?}, {:?}]}}", scale, scale * 3.0),
            format!("{{uniform: [-{scale:?}, {scale:?}]}}"),
        ])
    });
    prop_oneof![1 => ends, 1 => list(value(), 3).prop_map(|list| format!("{{choice: {list}}}"))]
}

fn ranges() -> impl Strategy<Value = String> {
    let fixed = [
        "0..4",
        "0..=1 step 0.1",
        "-3..40",
        "100..0 step -2",
        "0..30",
        "{range: [0.0, 7, 0.25]}",
        "1e-3..=3e-2 step 1e-3",
        "18446744073709551580..=18446744073709551615",
    ];
    select(fixed.to_vec()).prop_map(str::to_owned)
}

fn seeds() -> impl Strategy<Value = String> {
    let fixed = [
        "3",
        "[7]",
        "[5, 3, 18446744073709551615]",
        "2..5",
        "10..=50",
        "90..0 step -3",
        "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]",
    ];
    select(fixed.to_vec()).prop_map(str::to_owned)
}

fn block() -> impl Strategy<Value = String> {
    let grid = (axis(), prop_oneof![4 => list(value(), 3), 1 => ranges()]);
    let grid = grid.prop_map(|(axis, list)| format!("grid: {{ {axis}: {list} }}"));
    let zip = (axis(), axis(), value(), value(), leaf(), leaf()).prop_map(|(a, b, v, w, x, y)| {
        format!("zip: {{ {a}: [{v}, {w}], {b}: [{}, {}] }}", x.yaml(), y.yaml())
    });
    let random = (axis(), distribution(), 1usize..4, any::<u64>(), any::<bool>());
    let random = random.prop_map(|(axis, from, count, seed, even)| {
        let draw = if even { "sobol" } else { "independent" };
        format!(
            "random: {{ count: {count}, seed: {seed}, draw: {draw}, params: {{ {axis}: {from} }} }}"
        )
    });
    let condition =
        select(vec!["patience >= 0", "'seed' != 'x' or patience == 0", "\"patience\\n in [0]\""]);
    let when =
        (condition, axis(), list(value(), 2), any::<bool>()).prop_map(|(on, axis, list, one)| {
            let when = format!("{{ if: {on}, grid: {{ {axis}: {list} }} }}");
            if one { format!("when: {when}") } else { format!("when: [{when}]") }
        });
    let exclude = (axis(), value());
    let exclude = exclude.prop_map(|(axis, value)| format!("exclude: [{{ {axis}: {value} }}]"));
    let seeds = seeds().prop_map(|seeds| format!("seeds: {seeds}"));
    let maybe = |part: BoxedStrategy<String>, weight| prop::option::weighted(weight, part);
    let parts = (
        maybe(grid.boxed(), 0.6),
        maybe(zip.boxed(), 0.3),
        maybe(random.boxed(), 0.3),
        maybe(when.boxed(), 0.2),
        maybe(exclude.boxed(), 0.1),
        maybe(seeds.boxed(), 0.3),
    );
    parts.prop_map(|(grid, zip, random, when, exclude, seeds)| {
        let parts = [grid, zip, random, when, exclude, seeds];
        format!("{{ {} }}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    })
}

fn resources() -> impl Strategy<Value = String> {
    let sizes = [
        "1B",
        "1.5GiB",
        "200 MB",
        "1.3KiB",
        "123456789B",
        "16777215TiB",
        "0.1MB",
        "9007199254740993B",
    ];
    let times = ["1ms", "1.5ms", "90s", "2h", "0.1d", "36500d", "61m"];
    let (size, time) = (|| select(sizes.to_vec()), select(times.to_vec()));
    (size(), size(), time, 1u32..1025, 0u32..65, prop::array::uniform5(0u32..101)).prop_map(
        |(memory, output, time, threads, gpus, [a, b, c, d, e])| {
            format!(
                "{{ device: cpu, memory: {memory}, output: {output}, time: {time}, threads: {threads}, gpus: \
                 {gpus}, retry: {{ crash: {a}, memory: {b}, time: {c}, output: {d}, error: {e} }} }}"
            )
        },
    )
}

fn table() -> impl Strategy<Value = String> {
    let title = prop::option::of(text());
    let only = select(vec![
        "",
        "seed < 2",
        "\"patience\\tin [0, 1] \\nand not seed == 3\"",
        "' seed  == 0 '",
    ]);
    let passes = prop::option::of(select(vec!["0.5", "-0.0", "1", "1e300", "12"]));
    (title, only, passes, text(), any::<bool>()).prop_map(|(title, only, passes, value, one)| {
        let mut keys = vec![format!("rows: {}", if one { "seed" } else { "[seed]" })];
        keys.extend(title.map(|title| format!("title: {}", json!(title))));
        keys.extend((!only.is_empty()).then(|| format!("where: {only}")));
        keys.extend(passes.map(|passes| format!("passes: {passes}")));
        keys.push(format!("value: {}", json!(value)));
        format!("{{ {} }}", keys.join(", "))
    })
}

fn search() -> impl Strategy<Value = String> {
    (text(), any::<bool>(), any::<bool>(), 2u32..9).prop_map(|(metric, higher, asynchronous, factor)| {
        let goal = if higher { "higher" } else { "lower" };
        format!(
            "{{ metric: {}, goal: {goal}, first: 2, rungs: 3, factor: {factor}, asynchronous: {asynchronous} }}",
            json!(metric)
        )
    })
}

/// A whole configuration, of which some are refused.
pub(crate) fn configuration() -> impl Strategy<Value = String> {
    let name = text().prop_filter("a name is not empty", |name| !name.is_empty());
    let values = prop::collection::btree_map(key(), value(), 0..4);
    let sweep = prop_oneof![4 => block(), 1 => list(block(), 2)];
    let tables = prop_oneof![2 => table(), 1 => list(table(), 2)];
    let maybe = |part: BoxedStrategy<String>| prop::option::weighted(0.4, part);
    let parts = (maybe(resources().boxed()), maybe(tables.boxed()), maybe(search().boxed()));
    (name, values, 0u32..3, sweep, parts).prop_map(|(name, values, patience, sweep, parts)| {
        let value = |(key, value): (&String, &String)| format!("{}: {value}", json!(key));
        let values: Vec<String> = values.iter().map(value).collect();
        let mut text = format!(
            "name: {}\nexperiment: open\nparams: {{ patience: {patience}, values: {{ {} }} }}\nsweep: {sweep}\n",
            json!(name),
            values.join(", "),
        );
        let (resources, table, search) = parts;
        for (key, part) in [("resources", resources), ("table", table), ("search", search)] {
            text.extend(part.map(|part| format!("{key}: {part}\n")));
        }
        text
    })
}
