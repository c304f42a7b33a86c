//! Data sets: manifests, a verified cache, readers and generators.
