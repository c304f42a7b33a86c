//! Every word of the released files, in the order in which the generator draws them.

/// Who moves.
pub const ACTORS: [&str; 4] = ["Mary", "John", "Sandra", "Daniel"];

/// Where to; also the possible answers.
pub const PLACES: [&str; 6] = ["bedroom", "kitchen", "garden", "hallway", "bathroom", "office"];

/// How a move is told: `ACTOR VERB the PLACE.`
pub const VERBS: [&str; 5] =
    ["went to", "journeyed to", "travelled to", "went back to", "moved to"];

/// What a teacher says to a right answer.
pub const POSITIVE: [&str; 6] = [
    "Yes, that's right.",
    "Yes, that is correct!",
    "Yes!",
    "That's correct.",
    "Correct!",
    "That's right.",
];

/// What a teacher who does not explain says to a wrong answer.
pub const NEGATIVE: [&str; 6] = [
    "Wrong.",
    "Sorry, wrong.",
    "No, that's wrong.",
    "Sorry, that's not it.",
    "No, that is incorrect.",
    "No.",
];

/// How a student asks for help.
pub const REQUEST: &str = "Can_you_give_me_a_hint?";

/// The part of the house that a hint names: `upstairs`, `downstairs` or `outside`; nothing for what
/// is not among [`PLACES`].
pub fn area(place: &str) -> Option<&'static str> {
    match place {
        "bathroom" | "bedroom" => Some("upstairs"),
        "hallway" | "kitchen" => Some("downstairs"),
        "garden" | "office" => Some("outside"),
        _ => None,
    }
}
