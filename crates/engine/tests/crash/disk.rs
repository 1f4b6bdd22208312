//! A disk that is full again and again while runs are asked for: whoever asks is told so, nothing is lost, and all goes
//! on by itself once there is room.

use std::time::Instant;

use pilothouse_testkit::{OwnServer, SmallDisk};

use crate::pack::Pack;
use crate::{LONGEST_OF_PACK, Scene, moments, seconds, trouble_ends};

const FULL: &str = "storage.full";
/// MB of the disk at first, and for each second of trouble: more than the runs of that time write.
const MEGABYTES: u64 = 64;
const MEGABYTES_A_SECOND: u64 = 1;

fn small_disk() -> SmallDisk {
    SmallDisk::of(MEGABYTES + MEGABYTES_A_SECOND * seconds())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_runs_survive_a_full_disk() {
    let (scene, disk) = (Scene::sqlite(), small_disk());
    let location = disk.mounted().join("data/pilothouse.db").to_str().unwrap().to_owned();
    let scene = Scene { location, disk: Some(disk), ..scene };
    let disk = scene.disk.as_ref().unwrap();
    again_and_again(&scene, disk, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_runs_survive_a_full_disk() {
    let disk = small_disk();
    let server = OwnServer::begin_on(&disk);
    let scene = Scene::postgres(server.url().to_owned());
    again_and_again(&scene, &disk, 2).await;
}

/// Fills the disk until a wish is refused for it, leaves it so for a while, and makes room until one is accepted.
async fn again_and_again(scene: &Scene, disk: &SmallDisk, workers: usize) {
    let mut pack = Pack::asking(scene, workers);
    let (mut moments, mut rounds, end) = (moments(LONGEST_OF_PACK), 0, trouble_ends());
    while Instant::now() < end {
        pack.wait(moments.next().unwrap());
        disk.fill();
        pack.wait_for(&format!("refused {FULL}"));
        pack.wait(moments.next().unwrap());
        disk.make_room();
        pack.wait_for("ack ");
        rounds += 1;
    }
    assert!(pack.lives(), "a full disk ends no process");
    let refused = pack.refused().clone();
    let figures = scene.finish(&pack.end()).await;
    eprintln!("{rounds} times full: {figures:?}, refused {refused:?}");
    assert!(refused.keys().all(|code| code == FULL), "{refused:?}");
    assert!(rounds > 1 && figures.accepted > rounds, "{figures:?}");
}
