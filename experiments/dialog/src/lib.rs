//! Weston 2016: dialog-based language learning.
