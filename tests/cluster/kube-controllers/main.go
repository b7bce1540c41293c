// kube-controllers runs the three controllers of Kubernetes that tests see the work of: namespaces and garbage are
// deleted, aggregated roles are filled. They are the ones that kube-controller-manager runs, with its settings; without
// the forty others and what those depend on, the program is built in seconds instead of minutes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
)

const (
	roleWorkers      = 5
	namespaceWorkers = 10
	garbageWorkers   = 20
	// How long the API server may take to become ready.
	patience = time.Minute
	// How often new kinds of resources are looked for.
	discoveryPeriod = 30 * time.Second
	resyncPeriod    = 12 * time.Hour
	namespaceResync = 5 * time.Minute
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "the file that names the API server and the user")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // only the API server limits how much is asked of it
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := waitUntilReady(ctx, client); err != nil {
		return err
	}

	typed := informers.NewSharedInformerFactory(client, resyncPeriod)
	all := informerfactory.NewInformerFactory(typed, metadatainformer.NewSharedInformerFactory(metadataClient, resyncPeriod))
	started := make(chan struct{})
	roles := clusterroleaggregation.NewClusterRoleAggregation(typed.Rbac().V1().ClusterRoles(), client.RbacV1())
	namespaces := namespace.NewNamespaceController(ctx, client, metadataClient,
		client.Discovery().ServerPreferredNamespacedResources,
		typed.Core().V1().Namespaces(), namespaceResync, corev1.FinalizerKubernetes)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	garbage, err := garbagecollector.NewGarbageCollector(ctx, client, metadataClient, mapper,
		garbagecollector.DefaultIgnoredResources(), all, started)
	if err != nil {
		return err
	}

	var group sync.WaitGroup
	group.Go(func() { roles.Run(ctx, roleWorkers) })
	group.Go(func() { namespaces.Run(ctx, namespaceWorkers) })
	group.Go(func() { garbage.Run(ctx, garbageWorkers, discoveryPeriod) })
	group.Go(func() { garbage.Sync(ctx, client.Discovery(), discoveryPeriod) })
	all.Start(ctx.Done())
	close(started)
	group.Wait()
	return nil
}

func waitUntilReady(ctx context.Context, client kubernetes.Interface) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("the API server is not ready: %w", last)
	}
	return nil
}
