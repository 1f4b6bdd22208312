//! What goes wrong and who asks for what, as chance has it.

use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_domain::{RunId, TenantId};
use pilothouse_engine::Request;

use crate::drive::{Node, RUNS, Simulation, TENANTS};
use crate::script::{self, GO};
use crate::world::Life;

impl Simulation {
    /// Something happens.
    pub fn trouble(&mut self) {
        self.end_troubles();
        let (what, which) = self.world.draw(|chance| (chance.below(100), chance.number() as usize));
        match what {
            0..40 => self.ask(which),
            40..54 => self.tell_a_run(what, which),
            54..60 => self.tell_a_run(what, which),
            60..67 => self.harm(which, Life::Dead, 3_000),
            67..76 => self.harm(which, Life::Stalled, 6_000),
            76..82 => {
                let offset = self.jump();
                self.node(which).process.set_clock(offset);
                self.world.fault();
            }
            82..86 => {
                let node = self.node(which);
                self.world.tell(format_args!("{} is to stop", node.process.name));
                node.stop.cancel();
                self.world.fault();
            }
            86..90 => {
                let engine = self.node(which).engine.clone();
                // What it did not forget, another one will.
                tokio::spawn(async move { drop(engine.prune().await) });
            }
            _ => {}
        }
    }

    pub fn node(&self, which: usize) -> &Node {
        &self.nodes[which % self.nodes.len()]
    }

    /// A process stands still, or dies and is started again, after at most so many milliseconds.
    fn harm(&mut self, which: usize, life: Life, most: u64) {
        let until = self.world.elapsed() + self.world.draw(|chance| chance.millis(50, most));
        let count = self.nodes.len();
        let node = &mut self.nodes[which % count];
        if node.until.is_none() && !node.work.is_finished() {
            node.process.set_life(life);
            node.until = Some(until);
            self.world.fault();
        }
    }

    pub fn end_troubles(&mut self) {
        let now = self.world.elapsed();
        for index in 0..self.nodes.len() {
            let node = &mut self.nodes[index];
            let over = node.until.is_some_and(|until| until <= now);
            match node.process.life() {
                Life::Stalled if over => {
                    node.until = None;
                    node.process.set_life(Life::Alive);
                }
                Life::Dead if over => self.replace(index),
                Life::Alive if node.work.is_finished() => self.replace(index),
                _ => {}
            }
        }
    }

    fn replace(&mut self, index: usize) {
        self.begin_node();
        self.nodes.swap_remove(index);
    }

    /// Somebody asks for a run.
    fn ask(&mut self, which: usize) {
        if self.asked.len() == RUNS {
            return;
        }
        let key = format!("run {}", self.asked.len());
        let request = self.world.draw(|chance| {
            let input = serde_json::json!(script::script(chance, true)).to_string();
            let queue = chance.one_of(&["narrow", "script", "rated", "free"]).copied().unwrap_or("script").to_owned();
            let own_key = if chance.happens(400) { "key" } else { "" }.to_owned();
            Request {
                queue,
                key: own_key,
                priority: chance.below(5) as i64,
                max_attempts: chance.between(1, 5) as i64,
                time_limit_ms: chance.happens(100).then(|| chance.between(100, 2_000) as i64),
                idempotency_key: Some(key),
                audit: Some(asked()),
                ..Request::new("script", "ada", "a script", input)
            }
        });
        let tenant: Option<TenantId> = self.world.draw(|chance| chance.one_of(&TENANTS)?.parse().ok());
        if let Some(tenant) = tenant {
            self.start(which, tenant.clone(), request.clone());
            self.asked.push((tenant, request));
        }
    }

    /// Somebody signals, cancels or retries a run.
    fn tell_a_run(&self, what: u64, which: usize) {
        let known: Vec<(TenantId, RunId)> = self
            .world
            .with(|inner| inner.tables.rows.values().map(|row| (row.run.tenant.clone(), row.run.id)).collect());
        let Some((tenant, id)) = self.world.draw(|chance| chance.one_of(&known).cloned()) else { return };
        let engine = self.node(which).engine.clone();
        tokio::spawn(async move {
            // Whoever is not answered does not know whether it was heard.
            match what {
                40..54 => drop(engine.signal(&tenant, id, GO, "1", "bob").await),
                54..57 => drop(engine.cancel(&tenant, id).await),
                _ => drop(engine.retry(&tenant, id).await),
            }
        });
    }
}

/// The audit row that comes with every wish.
fn asked() -> Entry {
    Entry {
        scope: "a".into(),
        at: 1,
        subject: "ada".into(),
        action: "run.start".into(),
        resource: String::new(),
        payload_hash: String::new(),
        outcome: Outcome::Allowed,
        code: String::new(),
        request_id: String::new(),
        count: 1,
    }
}
