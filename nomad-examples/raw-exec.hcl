# A program that runs in each allocation and is told who leads: consul-leader is the task's command, the program its own.
job "clock" {
  group "clock" {
    count = 3

    # One a client: two candidates of the same machine would be lost with it.
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    network {
      port "clock" {}
    }

    # A crash is restarted in place: the allocation stays, and with it the place, so that the lock is given back at once.
    restart {
      attempts = 10
      interval = "5m"
      delay    = "1s"
      mode     = "delay"
    }

    update {
      max_parallel = 1
    }

    task "clock" {
      driver = "raw_exec"

      # More than --stop-timeout (4s): the demotion, the lock's release and the program's end.
      kill_timeout = "10s"

      config {
        command = "consul-leader"
        args = [
          "--service", "clock",
          "--promote-signal", "USR1",
          "--demote-signal", "USR2",
          "--",
          "sh", "-c", <<-EOF
            leads=no
            trap 'leads=yes' USR1
            trap 'leads=no' USR2
            trap 'exit 0' TERM
            while :; do
              test $leads = no || date
              sleep 1 & wait $!
            done
          EOF
        ]
      }

      # With Consul's ACLs on, a token by the task's identity (docs/nomad.md, "With ACLs on"); without them it changes nothing.
      consul {}

      # At task level: it goes when the task ends, and a killed leader leaves no tag behind.
      service {
        name = "clock"
        port = "clock"

        # Without it Nomad takes the tag off again at its next sync.
        enable_tag_override = true
      }

      resources {
        cpu    = 50
        memory = 64
      }
    }
  }
}
