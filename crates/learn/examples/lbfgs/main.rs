//! Minimises a few functions by L-BFGS and prints one JSON line each, for `scripts/lbfgs-check`.

mod problems;

use problems::PROBLEMS;

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() {
    for problem in PROBLEMS {
        let mut search = problem.search();
        let mut function = |x: &[f64], g: &mut [f64]| problem.evaluate(x, g);
        while search.advance(&mut function).is_ok_and(|ended| ended.is_none()) {}
        println!(
            "{}",
            serde_json::json!({
                "problem": problem.name,
                "value": search.value(),
                "evaluations": search.evaluations(),
                "iterations": search.iterations(),
            })
        );
    }
}
