# A program that may run once in the cluster: three allocations wait, one of them runs it.
job "singleton" {
  group "singleton" {
    count = 3

    # One a client: two candidates of the same machine would be lost with it.
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    # A crash is restarted in place: the allocation stays, and with it the place, so that the lock is given back at once.
    restart {
      attempts = 10
      interval = "5m"
      delay    = "1s"
      mode     = "delay"
    }

    # What is cut off from the servers is stopped here too; its session has run out long before.
    disconnect {
      stop_on_client_after = "1m"
    }

    task "singleton" {
      driver = "raw_exec"

      # More than --stop-timeout (4s): the program's end and the lock's release.
      kill_timeout = "10s"

      config {
        command = "consul-leader"
        args = [
          "--service", "singleton",
          "--mode", "leader-only",
          "--tag-service", "none",
          "--",
          "sh", "-c", "trap 'exit 0' TERM; while :; do date; sleep 1 & wait $!; done",
        ]
      }

      # With Consul's ACLs on, a token by the task's identity (docs/nomad.md, "With ACLs on"); without them it changes nothing.
      consul {}

      resources {
        cpu    = 50
        memory = 64
      }
    }
  }
}
