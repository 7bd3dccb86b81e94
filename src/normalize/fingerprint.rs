//! What makes two bodies equal: canonical JSON, so that blanks, key order and escapes say nothing and every token says all.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::model::record::Fingerprint;

/// SHA-256 over the object with sorted keys, without blanks, numbers by their token.
pub(super) fn of(map: &Map<String, Value>) -> Fingerprint {
    let canonical = serde_json::to_vec(map).expect("a parsed object with text keys always serializes");
    Fingerprint(Sha256::digest(canonical).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(text: &str) -> Fingerprint {
        of(&serde_json::from_str(text).expect("object"))
    }

    #[test]
    fn blanks_order_and_escapes_say_nothing() {
        let expected = fingerprint(r#"{"b":{"d":1.10,"c":"A"},"a":[1,2]}"#);
        assert_eq!(fingerprint(" {\"a\": [1, 2],\n \"b\": {\"c\": \"\\u0041\", \"d\": 1.10}} "), expected);
    }

    #[test]
    fn a_number_token_a_type_and_an_order_of_a_list_say_something() {
        let expected = fingerprint(r#"{"a":[1.10,2]}"#);
        for other in [r#"{"a":[1.1,2]}"#, r#"{"a":["1.10",2]}"#, r#"{"a":[2,1.10]}"#, r#"{"a":[1.10,2],"b":null}"#] {
            assert_ne!(fingerprint(other), expected, "{other}");
        }
    }
}
