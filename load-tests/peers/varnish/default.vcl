# Varnish as the bench of edges runs it; its parameters stand in parameters.txt. @NAME@ is put in by the bench.
vcl 4.1;

backend origin {
    .host = "@ORIGIN_HOST@";
    .port = "@ORIGIN_PORT@";
    .max_connections = 1000;
}

# Each subroutine ends with a return: Varnish's own, longer ones do not run behind it.
sub vcl_recv {
    # By itself Varnish passes every request with a cookie.
    unset req.http.Cookie;
    return (hash);
}

sub vcl_hash {
    hash_data(req.url);
    hash_data(req.http.host);
    return (lookup);
}

sub vcl_hit {
    return (deliver);
}

sub vcl_backend_response {
    return (deliver);
}

sub vcl_deliver {
    return (deliver);
}
