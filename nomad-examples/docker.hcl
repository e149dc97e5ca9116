# A program in a container, whose entrypoint is consul-leader. Its image is made from any other by
#
#   COPY --from=consul-leader:0.1.0 /opt/consul-leader /opt/consul-leader
#
# Consul's agent is reached through its Unix socket, which the clients offer as a host volume: a container's localhost is not
# the machine's.
#
#   client { host_volume "consul" { path = "/run/consul" } }
job "contained" {
  group "contained" {
    count = 3

    # One a client: two candidates of the same machine would be lost with it.
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    network {
      port "contained" {}
    }

    volume "consul" {
      type   = "host"
      source = "consul"
    }

    # A crash is restarted in place: the allocation stays, and with it the place, so that the lock is given back at once.
    restart {
      attempts = 10
      interval = "5m"
      delay    = "1s"
      mode     = "delay"
    }

    task "contained" {
      driver = "docker"

      # More than --stop-timeout (4s), and so is what Nomad gives docker.
      kill_timeout = "10s"

      volume_mount {
        volume      = "consul"
        destination = "/run/consul"
      }

      config {
        # Not `latest`, which Nomad would pull each time.
        image      = "contained:1.0"
        entrypoint = ["/opt/consul-leader/bin/consul-leader"]
        args       = ["--service", "contained", "--mode", "leader-only", "--", "/program", "run"]

        # It needs no privileges, and writes to /dev/shm and the allocation's folder alone.
        cap_drop        = ["all"]
        readonly_rootfs = true
      }

      # With Consul's ACLs on, a token by the task's identity (docs/nomad.md, "With ACLs on"); without them it changes nothing.
      consul {}

      env {
        CONSUL_HTTP_ADDR = "unix:///run/consul/http"
      }

      # At task level: it goes when the task ends, and a killed leader leaves no tag behind.
      service {
        name = "contained"
        port = "contained"

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
