# Made by `quickstep help --bash` from the tables of the program.
_quickstep() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=
    COMPREPLY=()
    local commands="run dev topo mem configure doctor ready ps metrics errors monitor xdp pktgen gossip tap feed slots block txn keys config explain bench version help "
    local topologies="listen load replay front txnload shreds gossip crowd relay leader follower "
    local options="layout.affinity= layout.exclude= layout.idle= hugetlbfs.pages= hugetlbfs.mount_path= hugetlbfs.user= configure.journal_path= sandbox.level= net.provider= net.xdp_mode= net.zero_copy= net.filter= net.busy_poll_us= net.iface= net.bind_address= net.tiles= net.rss= net.rx_depth= net.tx_depth= net.mtu= net.extra_ports= net.socket_rcvbuf_bytes= netlink.routes= netlink.neighbours= netlink.interfaces= port.gossip= port.tvu= port.repair= port.tpu= verify.tiles= verify.tag_depth= verify.wait_ns= verify.key_max= verify.v1= verify.rule= dedup.tag_depth= dedup.age_ms= poh.slot_ns= poh.ticks_per_slot= poh.hashes_per_tick= poh.speed_permille= poh.entry_txns= poh.entry_ns= poh.slot_bytes= poh.grace_ms= poh.start_ms= poh.genesis= poh.genesis_hash= poh.leader_cnt= poh.leader_idx= poh.rotation= poh.identity= shred.tiles= shred.version= shred.leader_schedule= shred.schedule_dir= shred.schedule_poll_s= shred.epoch= shred.unverified= shred.sets= shred.buffers= shred.retransmit= shred.check_retransmitter= shred.batch_ticks= shred.broadcast= shred.source.0.name= shred.source.0.port= shred.source.0.group= shred.source.0.iface= feed.records= feed.bytes= feed.readers= store.dir= store.segment_bytes= store.window_bytes= store.sync= store.sync_ms= store.genesis= store.genesis_hash= store.ticks_per_slot= store.hashes_per_tick= store.strict_trailing= store.slots= store.sets= store.batch_sets= gossip.entrypoints= gossip.resolve_s= gossip.contacts_path= gossip.contacts_s= gossip.genesis= gossip.hard_forks= gossip.address= gossip.private_addresses= gossip.ip_echo= gossip.values= gossip.large_values= gossip.origins= gossip.history= gossip.pings= gossip.relayed_origins= gossip.verify_tiles= gossip.verified_values= identity.key_path= metric.enabled= metric.address= metric.port= log.level= log.format= log.path= lab.loss_permille= load.rate_pps= load.count= load.payload_bytes= load.target= load.target_port= crowd.members= crowd.port= crowd.hostile_pps= crowd.hostile_after_s= txnload.targets= txnload.count= txnload.rate_tps= txnload.bad_permille= txnload.repeat_permille= txnload.signers= txnload.seed= replay.path= replay.port= replay.speed_permille= replay.times= replay.rate_pps= "
    case $previous in
    --topology) words=$topologies ;;
    --instance) words=$(command quickstep ps --json 2>/dev/null |
        grep -o '"instance":"[^"]*' | cut -d '"' -f 4) ;;
    --set)
        words=$options
        compopt -o nospace
        ;;
    --config)
        compopt -o default
        return
        ;;
    *) [ $COMP_CWORD -gt 1 ] || words=$commands ;;
    esac
    [ -n "$words" ] || case ${COMP_WORDS[1]} in
    run) words="--topology --instance --seconds --threads --help --config --set" ;;
    dev) words="--seconds --json --replay --port --speed --times --rate --txns --tps --signers --bad-percent --repeat-percent --nodes --leaders --loss --front --gossip --crowd --hostile --restart --level --threads --help --config --set" ;;
    topo) words="--cpu --dot --json --help --config --set" ;;
    mem) words="--topology --instance --json --help --config --set" ;;
    configure) words="check init undo hugetlbfs sysctl ethtool sysfs irq --topology --dry-run --json --help --config --set" ;;
    doctor) words="IFACE --peer --topology --root --probe --nics --json --help --config --set" ;;
    ready) words="--instance --timeout --json --help " ;;
    ps) words="--json --help " ;;
    metrics) words="--instance --json --md --help --config --set" ;;
    errors) words="--instance --json --help " ;;
    monitor) words="--instance --view --once --json --help --config --set" ;;
    xdp) words="show detach audit --instance --program --json --help " ;;
    pktgen) words="--to --ports --size --rate --count --seconds --unwanted --garbage --flows --src-port --seed --interface --netns --mac --queue --zero-copy --provider --json --help " ;;
    gossip) words="peers spy --instance --entrypoint --seconds --port --sort --filter --json --help --config --set" ;;
    tap) words="LINK --instance --count --seconds --filter -w --payload --json --help " ;;
    feed) words="--instance --kind --no-votes --account --from-slot --store --oldest --count --seconds --payload --json --help " ;;
    slots) words="--dir --instance --bytes --json --help --config --set" ;;
    block) words="--dir --instance --bytes --json --help --config --set" ;;
    txn) words="decode verify send --hex --base58 --base64 --simd376 --to --memo --key --blockhash --count --json --help " ;;
    keys) words="new pubkey --json --help " ;;
    config) words="check show default --json --md --config --set " ;;
    explain) words="--json " ;;
    bench) words="--json " ;;
    version) words="--json " ;;
    help) words="config --json --man --bash " ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default
}
complete -F _quickstep quickstep
