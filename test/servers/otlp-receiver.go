// Takes OTLP profiles by gRPC and by HTTP with the OpenTelemetry Collector's own data model (pdata), which refuses what
// the Collector would refuse, and writes each request to standard output as a line of OTLP JSON.
//
//	otlp-receiver GRPC_ADDRESS HTTP_ADDRESS
package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"go.opentelemetry.io/collector/pdata/pprofile"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip"
)

const maxBytes = 64 << 20

type receiver struct {
	pprofileotlp.UnimplementedGRPCServer
	lock sync.Mutex
}

func (r *receiver) Export(_ context.Context, request pprofileotlp.ExportRequest) (pprofileotlp.ExportResponse, error) {
	line, err := (&pprofile.JSONMarshaler{}).MarshalProfiles(request.Profiles())
	if err != nil {
		return pprofileotlp.NewExportResponse(), err
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	_, err = fmt.Fprintf(os.Stdout, "%s\n", line)
	return pprofileotlp.NewExportResponse(), err
}

func body(request *http.Request) ([]byte, error) {
	var source io.Reader = request.Body
	if request.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(source)
		if err != nil {
			return nil, err
		}
		source = unzipped
	}
	return io.ReadAll(io.LimitReader(source, maxBytes))
}

func (r *receiver) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost || request.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(writer, "expected a POST of application/x-protobuf", http.StatusUnsupportedMediaType)
		return
	}
	export := pprofileotlp.NewExportRequest()
	bytes, err := body(request)
	if err == nil {
		err = export.UnmarshalProto(bytes)
	}
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	response, err := r.Export(request.Context(), export)
	if err == nil {
		bytes, err = response.MarshalProto()
	}
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	writer.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = writer.Write(bytes)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: otlp-receiver GRPC_ADDRESS HTTP_ADDRESS")
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	profiles := &receiver{}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxBytes))
	pprofileotlp.RegisterGRPCServer(server, profiles)
	go func() { log.Fatal(server.Serve(listener)) }()
	http.Handle("/v1development/profiles", profiles)
	http.HandleFunc("/ready", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(http.ListenAndServe(os.Args[2], nil))
}
