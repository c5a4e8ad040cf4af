use super::*;

const HYBRID_MOUNTS: &str = "\
29 28 0:26 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
30 28 0:27 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
32 28 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 28 0:33 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
37 28 0:34 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
38 28 0:35 / /nowhere/unified rw,relatime - cgroup2 cgroup2 rw
";
const HYBRID_GROUPS: &str = "9:name=systemd:/\n8:pids:/\n4:memory:/box/1\n2:cpuacct:/\n1:cpu:/\n0::/\n";

#[test]
fn each_controller_of_version_1_is_found_in_its_own_hierarchy() {
    let found = parse(HYBRID_MOUNTS, HYBRID_GROUPS, "hearth");

    let seen: Vec<_> = found.iter().map(|one| (one.controllers.clone(), one.parent.clone())).collect();
    let group = |path: &str| Path::new("/sys/fs/cgroup").join(path);
    assert_eq!(
        seen,
        [
            (vec![Controller::Cpu], group("cpu/hearth")),
            (vec![Controller::CpuCount], group("cpuacct/hearth")),
            (vec![Controller::Memory], group("memory/box/1/hearth")),
            (vec![Controller::Pids], group("pids/hearth")),
        ]
    );
}

#[test]
fn a_hierarchy_of_two_controllers_is_one() {
    let mounts = "29 28 0:26 / /c/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";

    let found = parse(mounts, "3:cpu,cpuacct:/system.slice/hearth.service\n", "hearth");

    assert_eq!(found.len(), 1);
    assert_eq!(found[0].controllers, [Controller::Cpu, Controller::CpuCount]);
    assert_eq!(found[0].own, Path::new("/c/cpu,cpuacct/system.slice/hearth.service"));
}

#[test]
fn inside_a_container_paths_count_from_what_is_mounted() {
    let mounts = "29 28 0:26 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n";

    let found = parse(mounts, "8:pids:/docker/abc\n", "hearth");

    assert_eq!(found[0].own, Path::new("/sys/fs/cgroup/pids"));
}

#[test]
fn version_2_gives_what_its_group_has() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cgroup.controllers"), "cpuset cpu io memory pids\n").unwrap();
    let mounts = format!("38 28 0:35 / {} rw - cgroup2 cgroup2 rw\n", folder.path().display());

    let found = parse(&mounts, "0::/\n", "hearth");

    assert!(found[0].is_version_2);
    assert_eq!(found[0].controllers, [Controller::Cpu, Controller::Memory, Controller::Pids]);
}

#[test]
fn nothing_is_found_where_nothing_is_mounted() {
    assert_eq!(parse("22 1 0:20 / / rw - ext4 /dev/vda rw\n", "0::/\n", "hearth"), []);
}
