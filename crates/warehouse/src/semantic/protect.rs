//! What a model says may be done with its fields, as rights: they hold for every caller.

use pilothouse_domain::semantic::{Model, Sensitivity as Said};

use crate::guard::access::{Access, Mask, Sensitivity};

/// Lets no more be done with the model's columns than it says.
pub fn protect(access: &mut Access, model: &Model) {
    for dataset in &model.datasets {
        for field in &dataset.fields {
            let sensitivity = match field.sensitivity {
                None => continue,
                Some(Said::Quasi) => Sensitivity::Quasi,
                Some(Said::Masked) => Sensitivity::Masked(Mask::default()),
                Some(Said::Restricted) => Sensitivity::Restricted,
                Some(Said::Hidden) => Sensitivity::Hidden,
            };
            access.tighten(&dataset.table, &field.column, sensitivity);
        }
    }
}
