//! The semantic model's YAML: no text makes the reader panic, and a model that was read is the same when it is written
//! down and read again.

use pilothouse_domain::catalog::{Catalog, Dialect};
use pilothouse_fuzz::catalog;
use pilothouse_warehouse::semantic::{infer, yaml};

fn reads(text: &str, catalog: &Catalog) {
    let Ok(model) = yaml::read(text, catalog) else { return };
    let written = yaml::write(&model).unwrap_or_else(|error| unreachable!("cannot be written: {error}\n{text}"));
    assert_eq!(yaml::read(&written, catalog).as_ref(), Ok(&model), "{text}\n{written}");
}

#[test]
fn yaml_bytes() {
    let catalog = catalog(Dialect::DataFusion);
    bolero::check!().for_each(|bytes: &[u8]| reads(&String::from_utf8_lossy(bytes), &catalog));
}

/// A good file with some of its lines swapped, dropped or doubled, and one byte of some changed.
#[test]
fn yaml_edits() {
    let catalog = catalog(Dialect::DataFusion);
    let good = yaml::write(&infer(&catalog)).unwrap_or_else(|error| unreachable!("{error}"));
    let lines: Vec<&str> = good.lines().collect();
    bolero::check!().with_type::<Vec<(u16, u16, u8, u8)>>().for_each(|edits| {
        let mut edited: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        for (from, to, place, byte) in edits {
            let (from, to) = (usize::from(*from) % lines.len(), usize::from(*to) % lines.len());
            edited[to] = edited[from].clone();
            let place = usize::from(*place) % edited[to].len().max(1);
            if let Some(changed) = edited[to].get_mut(place).filter(|_| *byte != 0) {
                *changed = *byte;
            }
        }
        reads(&String::from_utf8_lossy(&edited.join(&b'\n')), &catalog);
    });
}
