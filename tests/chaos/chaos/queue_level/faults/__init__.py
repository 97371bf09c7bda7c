"""The faults of a trial of the queue, by their numbers in the list of faults (README.md describes each).

A fault prepares the arena before anybody is in it, and acts while signals flow. Whatever it did ends with its act.
"""

from collections.abc import Mapping
from typing import Final

from chaos.queue_level.faults import of_history, of_redis, of_signals, of_the_past, of_the_worker, of_wires
from chaos.queue_level.faults.fault import Fault, nothing

__all__ = ["FAULTS"]

FAULTS: Final[Mapping[str, Fault]] = {
    fault.number: fault
    for fault in (
        Fault("F1", of_the_worker.kill_worker),
        Fault("F2", of_the_worker.strike_worker),
        Fault("F2b", of_the_worker.strike_at_work),
        Fault("F3", of_the_worker.pause_worker),
        Fault("F3b", of_the_worker.take_lease_away),
        Fault("F3c", of_the_past.forget_lease, of_the_past.prepare_long_leases),
        Fault("F4", of_wires.lose_replies),
        Fault("F4b", of_wires.lose_replies_at_work),
        Fault("F5", of_wires.damage_wire),
        Fault("F5b", of_wires.slow_wire),
        Fault("F6", of_redis.kill_redis),
        Fault("F7", of_the_past.cut_log),
        Fault("F8", of_the_past.lose_power),
        Fault("F9", of_redis.upset_redis),
        Fault("F10", of_redis.fill_memory),
        Fault("F10b", of_redis.fill_memory_before_a_line, of_redis.prepare_slow_work),
        Fault("F11", of_redis.mend_wrong_type, of_redis.prepare_wrong_type),
        Fault("F11b", nothing, of_redis.leave_dangling_key),
        Fault("F12", of_history.remove_postgres),
        Fault("F13", of_history.strike_relay),
        Fault("F14", of_history.add_relays),
        Fault("F15", nothing, of_signals.prepare_poison),
        Fault("F16", of_the_worker.outlive_killer, of_the_worker.prepare_killer),
        Fault("F17", of_the_past.restore_old_log),
        Fault("F18", of_the_past.wipe),
        Fault("F19", of_redis.step_clock, of_redis.prepare_clock),
        Fault("F20", of_the_worker.cancel_within),
        Fault("F22", of_signals.kill_producers),
        Fault("F23", of_the_worker.stop_in_order),
    )
}
