//! The neutral, normalized form of one record version: exact decimals, plain dates apart from instants, our names.

/// Filled by the normalizer.
#[derive(Debug, Clone)]
pub struct Document;
