//! Claims about `sight` and `mask`, over bodies as the Paystand X docs and integrators show them.

mod arbitrary;
mod documents;
mod masking;
mod samples;
mod sighting;
mod values;

use bytes::Bytes;

use crate::model::document::Document;
use crate::model::record::Shape;
use crate::model::resource::Resource;
use crate::normalize::{Sighting, Undecodable, sight};

/// A body read by its id.
fn read(resource: Resource, body: &str) -> Sighting {
    sight(resource, Shape::Detail, None, Bytes::copy_from_slice(body.as_bytes())).expect("readable")
}

fn document(resource: Resource, body: &str) -> Document {
    read(resource, body).document.expect("decodable")
}

fn refusal(resource: Resource, body: &str) -> Undecodable {
    read(resource, body).document.expect_err("undecodable")
}
